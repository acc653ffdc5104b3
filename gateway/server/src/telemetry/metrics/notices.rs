//! What citizens are told outside the portal.

use dialog_contract::notice::NoticeChannel;
use dialog_core::{FOLDED_INTO_ONE, NoticeFate, NoticeTold, NoticesWaiting, Template};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{Metrics, count};

/// What became of a notice, or of what was to be told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NoticeLabels {
    /// By which way; `none` where it did not come so far.
    channel: &'static str,
    /// What it says.
    template: &'static str,
    /// `sent`, `failed`, `unreachable`, `given-up`, or why it was dropped.
    outcome: &'static str,
}

pub(super) struct Notices {
    told: Family<NoticeLabels, Counter>,
    waiting: Family<WaitingLabels, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WaitingLabels {
    /// `citizens` with something that waits for what else there is to tell, `notices` that no notifier has taken.
    what: &'static str,
}

impl Notices {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let told = Family::<NoticeLabels, Counter>::default();
        let help = "Notices given to notifiers, and what citizens were to be told and were not, and why";
        registry.register("notices", help, told.clone());
        // An alert waits for these.
        for channel in NoticeChannel::ALL {
            for template in Template::ALL {
                let folded = NoticeTold { fate: NoticeFate::Dropped(FOLDED_INTO_ONE), channel: None, template };
                drop(told.get_or_create(&labels(&folded)));
                for fate in [NoticeFate::Sent, NoticeFate::Failed, NoticeFate::GivenUp] {
                    let _ = told.get_or_create(&labels(&NoticeTold { fate, channel: Some(*channel), template }));
                }
            }
        }
        let waiting = Family::default();
        registry.register("notices_waiting", "What citizens are to be told and have not been", waiting.clone());
        Self { told, waiting }
    }
}

fn labels(told: &NoticeTold) -> NoticeLabels {
    NoticeLabels {
        channel: told.channel.map_or("none", NoticeChannel::as_str),
        template: told.template.as_str(),
        outcome: match told.fate {
            NoticeFate::Sent => "sent",
            NoticeFate::Failed => "failed",
            NoticeFate::Unreachable => "unreachable",
            NoticeFate::GivenUp => "given-up",
            NoticeFate::Dropped(why) => why,
        },
    }
}

impl Metrics {
    /// What citizens are to be told.
    pub fn notices_waiting(&self, waiting: NoticesWaiting) {
        for (what, number) in [("citizens", waiting.citizens), ("notices", waiting.notices)] {
            self.notices.waiting.get_or_create(&WaitingLabels { what }).set(count(number));
        }
    }

    /// What became of a notice.
    pub fn notice(&self, told: &NoticeTold) {
        self.notices.told.get_or_create(&labels(told)).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_counted_by_way_text_and_end_and_those_of_alerts_from_zero() {
        let metrics = Metrics::default();
        let sent = "dialog_notices_total{channel=\"sms\",template=\"message\",outcome=\"sent\"} ";
        assert!(metrics.text().contains(&format!("{sent}0")));
        let template = Template::Message;
        metrics.notice(&NoticeTold { fate: NoticeFate::Sent, channel: Some(NoticeChannel::Sms), template });
        metrics.notice(&NoticeTold { fate: NoticeFate::Dropped("read"), channel: None, template });
        let text = metrics.text();
        assert!(text.contains(&format!("{sent}1")));
        assert!(text.contains("dialog_notices_total{channel=\"none\",template=\"message\",outcome=\"read\"} 1"));
    }
}
