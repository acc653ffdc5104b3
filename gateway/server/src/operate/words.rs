//! What the operator is told: one line of what became of a change, and all that is known of a plugin where it was asked
//! for. What stands in a package is printed without control characters: it is the vendor's text, on the operator's screen.

use std::io::{self, Write};

use dialog_contract::plugin::{Asks, Plugin, PluginState, PluginVersion};

use super::{All, Command, client::Answer};

/// Tells what a command came to; a refusal is told with its failure.
pub(super) fn tell(command: &Command, answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    if answer.is_refused() {
        return Ok(());
    }
    let strange = |error: super::Failure| io::Error::other(error.to_string());
    if matches!(command, Command::List) {
        let all = answer.read::<All>().map_err(strange)?;
        return all.map_or(Ok(()), |all| list(&all.items, out));
    }
    let Some(plugin) = answer.read::<Plugin>().map_err(strange)? else { return Ok(()) };
    if matches!(command, Command::Show { .. }) {
        return show(&plugin, out);
    }
    writeln!(out, "{}", stands(&plugin))?;
    answer.record().map_or(Ok(()), |record| writeln!(out, "record {}", plain(record)))
}

/// How a plugin stands, and what to do where it does not serve as it could.
fn stands(plugin: &Plugin) -> String {
    let id = &plugin.id;
    let version = |version: Option<&PluginVersion>| plain(version.map_or("none", |version| version.version.as_str()));
    let serves = match plugin.state {
        PluginState::Serving => format!("{id} {} serves", version(plugin.current.as_ref())),
        PluginState::WaitingForGrant => format!("{id} does not serve"),
        PluginState::Refused => {
            let why = plugin.problem.as_deref().unwrap_or("it was refused");
            format!("{id} {} does not serve: {}", version(plugin.current.as_ref()), plain(why))
        }
    };
    let lacks = plugin.waiting.as_ref().or(match plugin.state {
        PluginState::WaitingForGrant => plugin.current.as_ref(),
        PluginState::Serving | PluginState::Refused => None,
    });
    match lacks {
        None => serves,
        Some(waits) => format!(
            "{serves}\n{} waits: it asks for {} beyond what is granted; grant it with `dialog-gateway plugin grant {id} --asked`",
            version(Some(waits)),
            waits.asks.without(&plugin.granted)
        ),
    }
}

fn list(plugins: &[Plugin], out: &mut dyn Write) -> io::Result<()> {
    if plugins.is_empty() {
        return writeln!(out, "no plugin is installed");
    }
    let of = |version: Option<&PluginVersion>| version.map_or_else(|| "-".to_owned(), |one| plain(&one.version));
    let mut rows = vec![["plugin", "state", "version", "waiting", "vendor"].map(str::to_owned)];
    rows.extend(plugins.iter().map(|plugin| {
        let known = plugin.current.as_ref().or(plugin.waiting.as_ref());
        let vendor = known.and_then(|version| version.vendor.as_deref());
        [
            plugin.id.to_string(),
            plugin.state.to_string(),
            of(plugin.current.as_ref()),
            of(plugin.waiting.as_ref()),
            plain(vendor.unwrap_or("-")),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    for row in &rows {
        let cells: Vec<String> =
            widths.iter().zip(row).map(|(width, cell)| format!("{cell:<width$}", width = *width)).collect();
        writeln!(out, "{}  {}", cells.join("  "), row[4])?;
    }
    Ok(())
}

fn show(plugin: &Plugin, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", stands(plugin))?;
    writeln!(out, "\ngranted  {}", plugin.granted)?;
    let versions = [("current", plugin.current.as_ref()), ("waiting", plugin.waiting.as_ref())];
    let earlier = plugin.earlier.iter().map(|version| ("earlier", Some(version)));
    for (name, version) in versions.into_iter().chain(earlier) {
        if let Some(version) = version {
            one(name, version, &plugin.granted, out)?;
        }
    }
    Ok(())
}

fn one(name: &str, version: &PluginVersion, granted: &Asks, out: &mut dyn Write) -> io::Result<()> {
    let signed = match (&version.vendor, &version.key) {
        (Some(vendor), Some(key)) => format!("signed by {} with the key {key}", plain(vendor)),
        _ => "not signed".to_owned(),
    };
    let missing = version.asks.without(granted);
    let missing = if missing.is_empty() { String::new() } else { format!("; not granted: {missing}") };
    writeln!(out, "{name}  {}, installed {}", plain(&version.version), version.installed)?;
    writeln!(out, "         sha256:{}", plain(&version.digest))?;
    writeln!(out, "         {signed}")?;
    writeln!(out, "         asks for {}{missing}", version.asks)
}

/// Without control characters, and what turns the direction of writing.
fn plain(text: &str) -> String {
    let turns =
        |letter: &char| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    text.chars().filter(|letter| !letter.is_control() && !turns(letter)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use dialog_contract::schema::Resource;

    use super::*;

    fn example(at: usize) -> Plugin {
        serde_json::from_value(Resource::Plugin.schema()["examples"][at].clone()).unwrap()
    }

    fn told(tell: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        tell(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_upgrade_that_waits_is_told_with_the_command_that_grants_it() {
        let told = stands(&example(0));
        assert_eq!(
            told,
            "helserespons 1.4.0 serves\n2.0.0 waits: it asks for national-identity-number beyond what is granted; grant it \
             with `dialog-gateway plugin grant helserespons --asked`"
        );
        assert!(stands(&example(1)).starts_with("ddfl 1.0.0 does not serve: it is not signed: ask its vendor"));
    }

    #[test]
    fn a_list_has_a_line_for_each_plugin_and_columns_that_stand_below_each_other() {
        let told = told(|out| list(&[example(1), example(0)], out));
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(
            lines,
            [
                "plugin        state    version  waiting  vendor",
                "ddfl          refused  1.0.0    -        -",
                "helserespons  serving  1.4.0    2.0.0    Helserespons AS",
            ]
        );
    }

    #[test]
    fn what_is_shown_names_every_version_its_signer_and_what_it_lacks() {
        let told = told(|out| show(&example(0), out));
        for part in [
            "granted  upstream, clock",
            "current  1.4.0, installed 2026-03-02T08:00:00Z",
            "signed by Helserespons AS with the key 6b86b273",
            "asks for upstream, clock, national-identity-number; not granted: national-identity-number",
            "earlier  1.3.2",
            "not signed",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }

    #[test]
    fn a_vendors_words_do_not_move_the_operators_cursor() {
        let mut plugin = example(1);
        plugin.problem = Some("\u{1b}[2Jall is well\u{202e}\r\n".to_owned());
        assert!(stands(&plugin).ends_with("[2Jall is well"), "{:?}", stands(&plugin));
    }
}
