//! A Mercurial that stays open for many commands (`hg serve --cmdserver pipe`): each costs a tenth of a new process.

use super::{Ran, text};
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The open process.
pub struct CommandServer {
    process: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl CommandServer {
    /// Starts `hg`, which stands outside of any repository: each command opens its own anew, and sees what others did to it.
    pub fn start(mut hg: Command) -> Self {
        hg.args(["serve", "--cmdserver", "pipe"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = hg.spawn().expect("hg starts");
        let input = process.stdin.take().expect("a pipe");
        let output = process.stdout.take().expect("a pipe");
        let mut server = Self { process, input, output };
        let (channel, hello) = server.message();
        assert!(channel == b'o' && text(&hello).contains("runcommand"), "{}", text(&hello));
        server
    }

    /// Runs a command. Whatever it asks, nobody answers.
    pub fn run(&mut self, arguments: &[&str]) -> Ran {
        let arguments = arguments.join("\0");
        let length = u32::try_from(arguments.len()).expect("a short command").to_be_bytes();
        let request = [b"runcommand\n".as_slice(), &length, arguments.as_bytes()].concat();
        self.write(&request);
        let (mut out, mut said) = (Vec::new(), Vec::new());
        loop {
            match self.message() {
                (b'r', code) => {
                    let code = i32::from_be_bytes(code.try_into().expect("four bytes"));
                    return Ran { code: Some(code), stdout: text(&out), said: text(&said) };
                }
                (b'o', bytes) => {
                    out.extend_from_slice(&bytes);
                    said.extend(bytes);
                }
                (b'e', bytes) => said.extend(bytes),
                (b'I' | b'L', _) => self.write(&[0; 4]),
                (other, _) => panic!("a message on channel {other}"),
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.input.write_all(bytes).expect("it reads");
        self.input.flush().expect("it reads");
    }

    /// Reads a channel's letter and what came on it; a question has no content, only the length of the longest answer.
    fn message(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 5];
        self.output.read_exact(&mut head).expect("it answers");
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let asks = matches!(head[0], b'I' | b'L');
        let mut bytes = vec![0; if asks { 0 } else { length as usize }];
        self.output.read_exact(&mut bytes).expect("it answers");
        (head[0], bytes)
    }
}

impl Drop for CommandServer {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _code = self.process.wait();
    }
}
