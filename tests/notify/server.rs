//! A small HTTP server that answers as a test says, and keeps what it was sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How a server answers.
#[derive(Debug, Clone)]
pub enum Answer {
    Status(u16),
    /// 429, to come back after so many seconds.
    Later(u64),
    /// To come to another address.
    Redirect(String),
    /// 500 with so many bytes.
    Long(usize),
    /// 204 after so long.
    After(Duration),
    /// Closes the connection.
    HangUp,
    /// Says nothing for a minute.
    Silence,
    /// Answers, one byte after the other, for as long as anybody listens.
    Trickle,
    /// Whatever the address was, in a page of an error.
    Echo,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// The server; it ends with the test.
pub struct Server {
    address: String,
    answer: Arc<Mutex<Answer>>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    pub fn new(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let server = Self { address, answer: Arc::new(Mutex::new(answer)), received: Arc::default() };
        let (answer, received) = (Arc::clone(&server.answer), Arc::clone(&server.received));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, received) = (Arc::clone(&answer), Arc::clone(&received));
                // A client that was killed breaks its connection; that is no fault of the server.
                thread::spawn(move || drop(serve(stream, &answer, &received)));
            }
        });
        server
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub fn answers(&self, answer: Answer) {
        *self.answer.lock().expect("nobody panicked") = answer;
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("nobody panicked").clone()
    }

    /// Waits until so many requests have come, half a minute at most, and returns them all.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<Received> {
        let end = Instant::now() + Duration::from_secs(30);
        while self.received().len() < count && Instant::now() < end {
            thread::sleep(Duration::from_millis(20));
        }
        let received = self.received();
        assert!(received.len() >= count, "{} of {count} requests came: {received:?}", received.len());
        received
    }
}

fn serve(stream: TcpStream, answer: &Mutex<Answer>, received: &Mutex<Vec<Received>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    // Of a request that broke off nothing counts.
    let mut whole_line = || {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.ends_with('\n') { Ok(line) } else { Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)) }
    };
    let line = whole_line()?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        let line = whole_line()?;
        let Some((key, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((key.to_owned(), value.to_owned()));
    }
    let length = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    received.lock().expect("nobody panicked").push(Received { path: path.clone(), headers, body });
    let answer = answer.lock().expect("nobody panicked").clone();
    let mut stream = stream;
    let mut say = |status: u16, more: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n{more}\r\n", body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)
    };
    match answer {
        Answer::Status(status) => say(status, "", b"what the server says \x1b[2J"),
        Answer::Later(seconds) => say(429, &format!("Retry-After: {seconds}\r\n"), b"later"),
        Answer::Redirect(to) => say(307, &format!("Location: {to}\r\n"), b""),
        Answer::Long(bytes) => say(500, "", &vec![b'x'; bytes]),
        Answer::After(pause) => {
            thread::sleep(pause);
            say(204, "", b"")
        }
        Answer::HangUp => Ok(()),
        Answer::Silence => {
            thread::sleep(Duration::from_secs(60));
            Ok(())
        }
        Answer::Trickle => {
            stream.write_all(b"HTTP/1.1 500 X\r\nContent-Length: 1000000\r\n\r\n")?;
            trickle(&mut stream, b"x")
        }
        Answer::Echo => say(404, "", format!("{path} was not found").as_bytes()),
    }
}

/// Says the same over and over, slowly, until nobody listens any more.
pub fn trickle(stream: &mut TcpStream, words: &[u8]) -> std::io::Result<()> {
    loop {
        stream.write_all(words)?;
        thread::sleep(Duration::from_millis(50));
    }
}
