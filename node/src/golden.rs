//! What is printed and written, compared with files that are kept beside the code. `UPDATE_GOLDENFILES=1` keeps them anew.

use std::fs;
use std::path::Path;

/// Compares with a file under `node/src`.
///
/// # Panics
/// If it is otherwise.
pub fn golden(path: &str, is: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path);
    if std::env::var_os("UPDATE_GOLDENFILES").is_some() {
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(&file, is).expect("kept");
    }
    let should = fs::read_to_string(&file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    assert_eq!(is, should, "{path} has changed: UPDATE_GOLDENFILES=1 keeps it anew");
}
