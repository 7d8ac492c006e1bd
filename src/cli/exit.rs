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

impl Exit {
    /// Returns the code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Denied => 1,
            Self::Usage => 2,
            Self::Undecided => 3,
            Self::Pending => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
