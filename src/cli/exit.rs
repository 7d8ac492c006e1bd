//! Exit codes (README.md, "Exit codes").

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: allowed, or done.
    Done,
    /// 1: denied, or a check failed.
    Denied,
    /// 2: the command line is wrong.
    Usage,
    /// 3: could not decide; hooks treat it as denied.
    Undecided,
    /// 4: still pending when the wait ended.
    Pending,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Denied => 1,
            Exit::Usage => 2,
            Exit::Undecided => 3,
            Exit::Pending => 4,
        })
    }
}
