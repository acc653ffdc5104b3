//! Texts of a vendor's, cut to what the contract takes.

/// The first characters of a text; that something is cut off is marked.
#[must_use]
pub fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A text that is not empty, cut to so many characters.
#[must_use]
pub fn filled(text: Option<String>, most: usize) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(|text| clip(&text, most))
}

/// The same in one line: control characters are blanks.
#[must_use]
pub fn line(text: &str, most: usize) -> Option<String> {
    let plain: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    filled(Some(plain.trim().to_owned()), most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_marked_and_a_letter_is_never_cut_in_two() {
        assert_eq!(clip("blåbær", 6), "blåbær");
        assert_eq!(clip("blåbær", 4), "blå…");
        assert_eq!(clip("blåbær", 0), "…");
    }

    #[test]
    fn a_text_of_blanks_is_none() {
        assert_eq!(filled(Some(" \n".into()), 10), None);
        assert_eq!(filled(Some("ja".into()), 10).as_deref(), Some("ja"));
    }

    #[test]
    fn a_line_has_no_breaks() {
        assert_eq!(line("\ten\nto ", 10).as_deref(), Some("en to"));
        assert_eq!(line("\n", 10), None);
    }
}
