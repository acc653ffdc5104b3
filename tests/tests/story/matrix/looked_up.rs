//! What citizens look at while their provider is in trouble.

use anyhow::{Context, ensure};
use dialog_contract::problem::ProblemType;
use dialog_tests::sim::{trouble::HttpFault, world::Solution};
use http::StatusCode;

use super::{
    fault::{ALL, Fault},
    vendor::Vendor,
};
use crate::visit::alone;

pub(super) fn play(solution: Solution) -> anyhow::Result<()> {
    alone(async |house| {
        let vendor = Vendor::visit(house, solution).await?;
        for fault in ALL {
            looked_up(&vendor, fault).await.with_context(|| format!("{fault:?}"))?;
        }
        vendor.is_content()
    })
}

async fn looked_up(vendor: &Vendor<'_>, fault: Fault) -> anyhow::Result<()> {
    let (template, call) = vendor.looks_at();
    let failures = vendor.failures().await?;
    let begun = fault.begin(vendor.trouble(), call).await?;
    let reply = vendor.citizen.get(template, &[]).send().await?;
    vendor.others_are_served().await?;
    begun.end(vendor.trouble()).await?;
    let types: &[ProblemType] = match fault {
        Fault::Down | Fault::Closed | Fault::Slow | Fault::Spoilt(HttpFault::Status(_) | HttpFault::Mute(_)) => {
            &[ProblemType::ProviderUnavailable]
        }
        // What is cut off is told by some as a line that broke, by some as an answer that is none.
        Fault::Spoilt(HttpFault::TruncatedBody) => &[ProblemType::ProviderUnavailable, ProblemType::ProviderFaulty],
        // What is asked by a message may have been asked all the same.
        Fault::Spoilt(_) if vendor.solution == Solution::Ddfl => &[ProblemType::ProviderUnavailable],
        Fault::Spoilt(_) => &[ProblemType::ProviderFaulty],
    };
    let told = types.iter().any(|known| reply.json["type"] == known.uri().as_str());
    ensure!(told, "{} {}", reply.status, reply.json);
    ensure!(reply.json["sent"] == "no", "{}", reply.json);
    ensure!(!reply.text("/detail")?.is_empty(), "{}", reply.json);
    ensure!(vendor.failures().await? > failures, "the operator is not told");
    // And it is seen at once when the trouble is over.
    vendor.citizen.get(template, &[]).expect(StatusCode::OK).await?;
    Ok(())
}
