//! Files that go with messages.

use bytes::Bytes;
use dialog_contract::{
    dialog::{Attachment, MediaType},
    ids::AttachmentId,
    opening::NewMessage,
    provider::Failure,
};
use dialog_core::ports::blobs::{BlobError, Blobs, ByteStream};
use futures_util::{StreamExt, stream};

use crate::support::*;

pub(crate) const JPEG: &[u8] = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0 picture \xff\xd9";

fn bytes(content: &[u8]) -> ByteStream {
    let pieces: Vec<_> = content.chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Box::pin(stream::iter(pieces))
}

pub(crate) async fn uploaded(world: &World) -> Attachment {
    let answer = world.desk.upload(&world.kari(), &post("/"), "a/photo.jpg", bytes(JPEG)).await.unwrap();
    assert_eq!(answer.status, 201);
    serde_json::from_slice(&answer.body).unwrap()
}

pub(crate) fn with(files: &[AttachmentId]) -> NewMessage {
    NewMessage { attachments: files.to_vec(), ..text("See the picture.") }
}

#[tokio::test]
async fn an_upload_is_what_its_content_is() {
    let world = World::new().await;
    let attachment = uploaded(&world).await;
    assert_eq!((attachment.media_type, &*attachment.name), (MediaType::Jpeg, "photo.jpg"));
    assert_eq!(attachment.size, JPEG.len() as u64);
    let download = world.desk.download(&world.kari(), &get(), attachment.id).await.unwrap();
    let content: Vec<u8> = download.bytes.map(|piece| piece.unwrap().to_vec()).concat().await;
    assert_eq!(content, JPEG);
}

#[tokio::test]
async fn a_disguised_or_torn_file_is_refused_and_not_kept() {
    let world = World::new().await;
    for content in [&b"MZ\x90\0 a program called photo.jpg"[..], &JPEG[..JPEG.len() - 2], b"", b"<svg/>"] {
        let outcome = world.desk.upload(&world.kari(), &post("/"), "photo.jpg", bytes(content)).await;
        assert_eq!(why(outcome), "unsupported-media-type no");
    }
    world.clock.forward(25 * 3600);
    assert_eq!(world.desk.purge().await.unwrap().attachments, 4);
}

#[tokio::test]
async fn an_upload_over_ten_mebibytes_or_broken_off_is_refused() {
    let world = World::new().await;
    let piece = Bytes::from(vec![0xff; 1024 * 1024]);
    let endless: ByteStream = Box::pin(stream::repeat_with(move || Ok(piece.clone())));
    assert_eq!(why(world.desk.upload(&world.kari(), &post("/"), "x", endless).await), "too-large no");
    let torn: ByteStream = Box::pin(stream::iter([Err(BlobError::Interrupted("reset".into()))]));
    assert_eq!(why(world.desk.upload(&world.kari(), &post("/"), "x", torn).await), "malformed no");
}

#[tokio::test]
async fn others_attachments_are_not_there() {
    let world = World::new().await;
    let attachment = uploaded(&world).await;
    let ola = world.citizen(OLA);
    let refused = world.desk.download(&ola, &get(), attachment.id).await.unwrap_err();
    assert_eq!(refused.problem.name(), "not-found");
    let new = dialog_contract::opening::NewDialog { message: Some(with(&[attachment.id])), ..consultation("x") };
    assert_eq!(pointers(world.desk.open(&ola, &post("/"), new).await), ["/message/attachments/0"]);
}

#[tokio::test]
async fn an_attachment_goes_with_one_message() {
    let world = World::new().await;
    let attachment = uploaded(&world).await;
    let new = || dialog_contract::opening::NewDialog { message: Some(with(&[attachment.id])), ..consultation("x") };
    let opened = world.opened(new()).await;
    assert_eq!(opened.messages[0].attachments, std::slice::from_ref(&attachment));
    assert_eq!(pointers(world.desk.open(&world.kari(), &post("/"), new()).await), ["/message/attachments/0"]);
    let missing = AttachmentId::new();
    let twice = with(&[missing, missing]);
    assert_eq!(
        pointers(world.desk.send(&world.kari(), &post("/"), opened.id, twice).await),
        ["/attachments/0", "/attachments/1"]
    );
    world.clock.forward(25 * 3600);
    world.desk.purge().await.unwrap();
    world.desk.download(&world.kari(), &get(), attachment.id).await.unwrap();
}

#[tokio::test]
async fn a_kind_that_the_office_does_not_take_is_refused() {
    let world = World::new().await;
    let attachment = uploaded(&world).await;
    let new = dialog_contract::opening::NewDialog { message: Some(with(&[attachment.id])), ..inquiry("x") };
    let outcome = refused(world.desk.open(&world.kari(), &post("/"), new).await);
    assert_eq!(outcome.errors[0].pointer, "/message/attachments/0");
    assert!(outcome.errors[0].detail.contains("application/pdf"));
}

#[tokio::test]
async fn a_refused_message_gives_its_attachments_back() {
    let world = World::new().await;
    let attachment = uploaded(&world).await;
    let new = || dialog_contract::opening::NewDialog { message: Some(with(&[attachment.id])), ..consultation("x") };
    world.opens(|| Err(Failure::Declined(reason("No."))));
    refused(world.desk.open(&world.kari(), &post("/"), new()).await);
    let opened = world.opened(new()).await;
    let second = uploaded(&world).await;
    world.sends(|| Err(Failure::Declined(reason("No."))));
    refused(world.desk.send(&world.kari(), &post("/"), opened.id, with(&[second.id])).await);
    world.desk.send(&world.kari(), &post("/"), opened.id, with(&[second.id])).await.unwrap();
}

#[tokio::test]
async fn what_no_message_took_is_removed_after_a_day() {
    let world = World::new().await;
    let attachment = uploaded(&world).await;
    world.clock.forward(23 * 3600);
    assert_eq!(world.desk.purge().await.unwrap().attachments, 0);
    world.clock.forward(2 * 3600);
    assert_eq!(world.desk.purge().await.unwrap().attachments, 1);
    let refused = world.desk.download(&world.kari(), &get(), attachment.id).await.unwrap_err();
    assert_eq!(refused.problem.name(), "not-found");
    assert!(matches!(world.blobs.open(attachment.id.uuid(), 0).await, Err(BlobError::NotFound)));
}

#[tokio::test]
async fn the_same_upload_again_is_the_same_attachment() {
    let world = World::new().await;
    let upload = async |content| world.desk.upload(&world.kari(), &post_as("/", "k"), "x.jpg", bytes(content)).await;
    let first = upload(JPEG).await.unwrap();
    let second = upload(JPEG).await.unwrap();
    assert!(second.replayed);
    assert_eq!(first.body, second.body);
    let other = [JPEG, JPEG].concat();
    let reused = world.desk.upload(&world.kari(), &post_as("/", "k"), "x.jpg", bytes(&other)).await;
    assert_eq!(why(reused), "idempotency-key-reused no");
}
