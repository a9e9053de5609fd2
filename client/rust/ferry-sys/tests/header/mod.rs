//! What ferry.h declares, by name: enough of C for the way that this header is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include")
}

pub struct Header {
    text: String,
}

impl Header {
    pub fn read() -> Self {
        let text = std::fs::read_to_string(folder().join("ferry/ferry.h")).unwrap();
        Self { text: without_comments(&text) }
    }

    /// Each function with the number of its parameters.
    pub fn functions(&self) -> BTreeMap<String, usize> {
        let code: Vec<_> = self.text.lines().filter(|line| !line.starts_with('#')).collect();
        let code = code.join("\n");
        let declared = code.split("FERRY_API ").skip(1).filter_map(|rest| rest.split_once(';'));
        declared.filter_map(|(declaration, _)| parse_function(declaration)).collect()
    }

    /// Each struct with its fields in order. Opaque ones are not there.
    pub fn structs(&self) -> BTreeMap<String, Vec<String>> {
        let bodies = self.text.split("typedef struct ").skip(1).filter_map(|rest| {
            let (name, rest) = rest.split_once(char::is_whitespace)?;
            let (body, _) = rest.strip_prefix('{')?.split_once('}')?;
            Some((name.to_owned(), body.split(';').flat_map(field_names).collect()))
        });
        bodies.collect()
    }

    /// Enumerators, and numbers that the preprocessor knows.
    pub fn constants(&self) -> BTreeSet<String> {
        let enums = self.text.split("enum ").skip(1).filter_map(|rest| {
            let (_, rest) = rest.split_once('{')?;
            Some(rest.split_once('}')?.0)
        });
        let enumerators = enums.flat_map(|body| body.split(',')).filter_map(|one| one.split_once('='));
        let defined = self.text.lines().filter_map(|line| line.strip_prefix("#define ")?.split_once(' '));
        let numbers = defined.filter(|(_, value)| value.trim().parse::<i64>().is_ok());
        enumerators.chain(numbers).map(|(name, _)| name.trim().to_owned()).collect()
    }
}

fn without_comments(text: &str) -> String {
    let mut parts = text.split("/*");
    let mut kept = parts.next().unwrap().to_owned();
    for part in parts {
        kept += part.split_once("*/").expect("the comment ends").1;
    }
    kept
}

/// `int32_t ferry_x(a* b, c d)`, maybe with attributes before it.
pub fn parse_function(declaration: &str) -> Option<(String, usize)> {
    let (before, after) = declaration.split_once('(')?;
    let name = before.rsplit(|c: char| c.is_whitespace() || c == '*').next()?;
    let parameters = after.rsplit_once(')')?.0.trim().trim_end_matches(',');
    let count = if parameters.is_empty() || parameters == "void" { 0 } else { parameters.split(',').count() };
    Some((name.to_owned(), count))
}

/// `float red_xy[2], green_xy[2]` declares two.
fn field_names(declaration: &str) -> Vec<String> {
    let name = |part: &str| {
        let part = part.split('[').next()?.trim();
        let name = part.rsplit(|c: char| c.is_whitespace() || c == '*').next()?;
        (!name.is_empty()).then(|| name.to_owned())
    };
    declaration.split(',').filter_map(name).collect()
}
