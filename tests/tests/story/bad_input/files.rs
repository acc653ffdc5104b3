//! Attachments: what they are is found in their content, and each is used once, by whoever uploaded it.

use anyhow::ensure;
use dialog_contract::{limits::Limits, problem::ProblemType};
use dialog_tests::{
    sim::{
        meldingstjener::pdf::pdf,
        world::{KARI, LEILA, OLA},
    },
    story::citizen::PHOTO,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::visit::{citizen, fields, invalid, marked, opened, raw, refusal, shared, shown, upload};

/// One red pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90\x77\x53\xde\
    \0\0\0\x0cIDAT\x08\xd7\x63\xf8\xcf\xc0\0\0\x03\x01\x01\0\x18\xdd\x8d\xb0\0\0\0\0IEND\xae\x42\x60\x82";

#[test]
fn a_file_of_another_kind_is_refused_whatever_it_is_called() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let program: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0 This program cannot be run in DOS mode.\r\n$";
        let page: &[u8] = b"<html><script>alert(1)</script><!-- %PDF-1.7 startxref 0 %%EOF --></html>";
        let hidden = [page, &pdf("Epikrise")[..]].concat();
        let appended = [PNG, page].concat();
        for (name, content) in [
            ("utslett.jpg", program),
            ("epikrise.pdf", page),
            ("epikrise.pdf", &hidden),
            ("bilde.png", &PNG[..PNG.len() - 8]),
            ("bilde.png", &appended),
            ("bilde.jpg", &PHOTO[..PHOTO.len() / 2]),
            ("bilde.gif", b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"),
            ("notat.txt", b"Hei"),
            ("tom.jpg", b""),
        ] {
            let call = upload(&kari, name, content.to_vec()).header("content-type", "image/jpeg");
            let reply = refusal(call, ProblemType::UnsupportedMediaType).await?;
            ensure!(reply.text("/detail")?.contains("Innholdet avgjør"), "{name}: {}", reply.json);
        }
        Ok(())
    })
}

#[test]
fn the_content_says_what_a_file_is() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let document = pdf("Epikrise");
        for (name, content, kind) in [
            ("notat.exe", PHOTO, "image/jpeg"),
            ("a.jpg", PNG, "image/png"),
            ("b.png", &document[..], "application/pdf"),
        ] {
            let kept = upload(&kari, name, content.to_vec()).expect(StatusCode::CREATED).await?;
            ensure!(kept.text("/mediaType")? == kind, "{}", kept.json);
            let id = kept.text("/id")?.to_owned();
            ensure!(kept.headers["location"] == format!("/v1/me/attachments/{id}").as_str());
            let back = kari.get("/v1/me/attachments/{attachment}", &[&id]).expect(StatusCode::OK).await?;
            ensure!(back.bytes == content && back.headers["content-type"] == kind, "{name} came back otherwise");
            ensure!(back.headers["x-content-type-options"] == "nosniff");
            ensure!(back.headers["content-disposition"].to_str()?.starts_with("attachment"));
            marked(&back.headers)?;
        }
        Ok(())
    })
}

#[test]
fn a_file_without_a_name_or_with_an_unknown_parameter_is_refused() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let send = || kari.post("/v1/me/attachments", &[], &Value::Null).body(PHOTO);
        refusal(send(), ProblemType::Malformed).await?;
        refusal(send().query("name=a.jpg&kind=secret"), ProblemType::Malformed).await?;
        Ok(())
    })
}

#[test]
fn a_file_over_ten_mebibytes_is_refused_as_announced_and_as_it_comes() -> anyhow::Result<()> {
    shared(async |house| {
        let base = &house.gateway()?.portal;
        let over = usize::try_from(Limits::V1.attachment_bytes)? + 1;
        let head = async |length: &str| {
            anyhow::Ok(format!(
                "POST /v1/me/attachments?name=film.jpg HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                 {}Idempotency-Key: {}\r\nContent-Type: image/jpeg\r\n{length}\r\n\r\n",
                shown(house, &KARI, &Method::POST, "/v1/me/attachments").await?,
                uuid::Uuid::new_v4()
            ))
        };
        let (status, headers, problem) = raw(base, head(&format!("Content-Length: {over}")).await?.as_bytes()).await?;
        ensure!((status, &problem["type"]) == (413, &json!("urn:dialog:problem:too-large")), "{status} {problem}");
        marked(&headers)?;
        let mut chunked = head("Transfer-Encoding: chunked").await?.into_bytes();
        chunked.extend_from_slice(format!("{over:x}\r\n").as_bytes());
        chunked.extend_from_slice(PHOTO);
        chunked.resize(chunked.len() + over - PHOTO.len(), 0x41);
        let (status, headers, problem) = raw(base, &chunked).await?;
        ensure!((status, &problem["type"]) == (413, &json!("urn:dialog:problem:too-large")), "{status} {problem}");
        ensure!(problem["sent"] == "no" && problem["detail"].as_str().is_some_and(|text| text.contains("10 MiB")));
        marked(&headers)?;
        Ok(())
    })
}

#[test]
fn a_file_is_used_once_and_by_its_owner() -> anyhow::Result<()> {
    shared(async |house| {
        let (leila, ola) = (citizen(house, &LEILA)?, citizen(house, &OLA)?);
        let kept = upload(&leila, "a.jpg", PHOTO).expect(StatusCode::CREATED).await?;
        let file = kept.text("/id")?.to_owned();
        let asks = |files: &Value| json!({ "request": { "type": "inquiry" }, "message": { "text": "Se bildet.", "attachments": files } });
        // Somebody else's is not there, and is not used up by the attempt.
        let theirs =
            invalid(ola.post("/v1/me/dialogs", &[], &asks(&json!([file]))), &["/message/attachments/0"]).await?;
        let nobodys = asks(&json!([uuid::Uuid::now_v7()]));
        let missing = invalid(ola.post("/v1/me/dialogs", &[], &nobodys), &["/message/attachments/0"]).await?;
        ensure!(fields(&theirs) == fields(&missing), "one can tell another's file from none");

        invalid(leila.post("/v1/me/dialogs", &[], &asks(&json!([file, file]))), &["/message/attachments"]).await?;
        let dialog = opened(&leila, &asks(&json!([file]))).await?;
        let again = leila.post("/v1/me/dialogs", &[], &asks(&json!([file])));
        let used = invalid(again, &["/message/attachments/0"]).await?;
        ensure!(fields(&used)[0].1.contains("alt brukt"), "{}", used.json);
        let follow_up = json!({ "text": "Igjen.", "attachments": [file] });
        let again = leila.post("/v1/me/dialogs/{dialog}/messages", &[&dialog], &follow_up);
        invalid(again, &["/attachments/0"]).await?;
        Ok(())
    })
}

#[test]
fn too_many_files_are_refused() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let many: Vec<_> = (0..=Limits::V1.attachments_per_message).map(|_| uuid::Uuid::now_v7()).collect();
        let body = json!({ "request": { "type": "inquiry" }, "message": { "text": "Se.", "attachments": many } });
        invalid(kari.post("/v1/me/dialogs", &[], &body), &["/message/attachments"]).await?;
        Ok(())
    })
}

#[test]
fn a_consultation_with_pictures_needs_a_picture() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let kept = upload(&kari, "epikrise.pdf", pdf("Epikrise")).expect(StatusCode::CREATED).await?;
        let body = json!({
            "request": { "type": "consultation", "mode": "image" },
            "message": { "text": "Se.", "attachments": [kept.text("/id")?] },
        });
        invalid(kari.post("/v1/me/dialogs", &[], &body), &["/message/attachments"]).await?;
        Ok(())
    })
}
