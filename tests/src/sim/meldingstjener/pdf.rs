//! A one-page PDF, for certificates.

use std::fmt::Write;

/// A PDF 1.4 with one line of text (letters and digits only are drawn).
pub fn pdf(line: &str) -> Vec<u8> {
    let line: String = line.chars().filter(|c| c.is_ascii_alphanumeric() || *c == ' ').collect();
    let content = format!("BT /F1 18 Tf 72 760 Td ({line}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut text = "%PDF-1.4\n".to_owned();
    let mut table = String::new();
    for (object, number) in objects.iter().zip(1..) {
        // Writing to a string does not fail.
        let _ = writeln!(table, "{:010} 00000 n ", text.len());
        let _ = write!(text, "{number} 0 obj\n{object}\nendobj\n");
    }
    let start = text.len();
    let size = objects.len() + 1;
    let _ = write!(
        text,
        "xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    );
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use super::pdf;

    #[test]
    fn the_cross_references_point_at_the_objects() {
        let bytes = pdf("Helseattest");
        let text = String::from_utf8(bytes).unwrap();
        let table = text.split("xref\n").nth(1).unwrap();
        for (line, number) in table.lines().skip(2).take(5).zip(1..) {
            let at: usize = line.split(' ').next().unwrap().parse().unwrap();
            assert!(text.get(at..).unwrap().starts_with(&format!("{number} 0 obj")));
        }
    }
}
