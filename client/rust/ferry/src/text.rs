use crate::{Error, ErrorKind, Result};
use std::ffi::{CStr, CString, c_char};

/// For the C ABI; refuses a NUL inside.
pub(crate) fn c_string(text: &str, what: &str) -> Result<CString> {
    CString::new(text)
        .map_err(|_| Error::new(ErrorKind::InvalidArgument, format!("{what} '{}' contains a NUL", text.escape_debug())))
}

/// Empty means: not given.
pub(crate) fn optional_c_string(text: &str, what: &str) -> Result<Option<CString>> {
    if text.is_empty() { Ok(None) } else { c_string(text, what).map(Some) }
}

pub(crate) fn pointer_of(text: Option<&CString>) -> *const c_char {
    text.map_or(std::ptr::null(), |text| text.as_ptr())
}

/// The text in a fixed array of the C ABI.
pub(crate) fn text_of(array: &[c_char]) -> String {
    // SAFETY: c_char has u8's size and alignment.
    let bytes = unsafe { std::slice::from_raw_parts(array.as_ptr().cast::<u8>(), array.len()) };
    CStr::from_bytes_until_nul(bytes).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_inside_is_refused_by_name() {
        let error = c_string("a\0b", "the stream's name").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains("the stream's name 'a\\0b'"), "{error}");
    }

    #[test]
    fn an_array_without_an_end_reads_as_empty() {
        assert_eq!(text_of(&[b'x' as c_char; 4]), "");
        assert_eq!(text_of(&[b'x' as c_char, 0, b'y' as c_char]), "x");
    }
}
