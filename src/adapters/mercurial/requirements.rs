//! Which repositories cannot be judged, as installation can see it without Mercurial.
//!
//! The hook's script looks for the same features in every transaction (record `U` of docs/spec/hg-request.md), so that one that is added
//! later is refused as well.

use std::fs;
use std::io;
use std::path::Path;

/// Features whose manifests or histories leave out what a rule may ask for: folders as manifests of their own, partial manifests, no
/// local file histories.
pub const UNSUPPORTED: [&str; 3] = ["treemanifest", "narrowhg-experimental", "exp-remotefilelog-repo-req-1"];

/// Returns those features that the repository whose `.hg` is `folder` needs and that cannot be judged, sorted.
///
/// Newer repositories list features of the store in the store. A missing list is an empty one: very old repositories have none.
///
/// # Errors
/// What the file system says.
pub fn unsupported(folder: &Path) -> io::Result<Vec<&'static str>> {
    let mut found = Vec::new();
    for list in ["requires", "store/requires"] {
        match fs::read(folder.join(list)) {
            Ok(text) => {
                let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
                found.extend(UNSUPPORTED.into_iter().filter(|feature| lines.contains(&feature.as_bytes())));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_found_in_either_list() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(unsupported(folder.path()).expect("nothing there"), Vec::<&str>::new());
        fs::write(folder.path().join("requires"), "store\nfncache\ntreemanifest-not\nshare-safe\n").expect("written");
        assert_eq!(unsupported(folder.path()).expect("readable"), Vec::<&str>::new());
        fs::create_dir(folder.path().join("store")).expect("a folder");
        fs::write(folder.path().join("store/requires"), "generaldelta\ntreemanifest\nnarrowhg-experimental\n")
            .expect("written");
        assert_eq!(unsupported(folder.path()).expect("readable"), ["narrowhg-experimental", "treemanifest"]);
    }

    #[test]
    fn the_script_knows_the_same_features() {
        for feature in UNSUPPORTED {
            assert!(super::super::FACTS.1.contains(&format!("b'{feature}'")), "{feature}");
        }
    }
}
