//! A web server in front of `git http-backend`, with the settings that the page gives.

use crate::page;
use crate::person::{Person, Said};
use crate::site::{REPOSITORY, Site};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// How a request without a login is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stranger {
    /// As the page has it: nobody is served without a login.
    Asked,
    /// The web server leaves it to Git.
    Passed,
}

/// A server that ends with this value.
pub struct Web {
    child: Child,
    port: u16,
    prefix: String,
}

impl Drop for Web {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

impl Web {
    /// Starts a server for alice, bob and mallory.
    pub fn new(site: &Site, stranger: Stranger) -> Self {
        let people = site.root().join("git.users");
        let lines =
            [&site.alice, &site.bob, &site.mallory].map(|person| format!("{0}:{1}\n", person.name, password(person)));
        fs::write(&people, lines.concat()).expect("written");
        let [alias] = &page::directive("ScriptAlias")[..] else { panic!("the page gives one ScriptAlias") };
        let [prefix, program] = &alias[..] else { panic!("a ScriptAlias has two parts") };
        assert!(program.ends_with("/git-http-backend/"), "{program}");
        assert_eq!(page::directive("Require"), [["valid-user"]], "the page serves nobody without a login");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/system/web_server.py");
        let mut python = Command::new("python3");
        python.args([script, prefix, if stranger == Stranger::Asked { "ask" } else { "pass" }]).arg(people);
        for setting in page::directive("SetEnv") {
            python.arg(format!("{}={}", setting[0], site.here(setting.get(1).map_or("1", String::as_str))));
        }
        python.arg(format!("PATH={}", std::env::var("PATH").expect("a PATH of text")));
        let mut child = python
            .args(["--", "git", "http-backend"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("these tests need `python3`: {error}"));
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let port = line.trim().parse().expect("the server prints its port");
        Self { child, port, prefix: prefix.clone() }
    }

    /// The repository's URL, with the login of `person` in it.
    pub fn url(&self, person: &Person) -> String {
        self.url_with(&format!("{}:{}@", person.name, password(person)))
    }

    /// The repository's URL; `login` is empty, or ends in `@`.
    pub fn url_with(&self, login: &str) -> String {
        let name = REPOSITORY.strip_prefix("/srv/git/").expect("it stands there");
        format!("http://{login}127.0.0.1:{}{}{name}", self.port, self.prefix)
    }
}

/// Pushes HEAD to the branch `main` of `url`; Git sends `headers` with each request.
pub fn push(person: &Person, url: &str, headers: &[&str]) -> Said {
    let headers: Vec<String> = headers.iter().map(|header| format!("http.extraHeader={header}")).collect();
    let mut arguments: Vec<&str> = headers.iter().flat_map(|header| ["-c", header]).collect();
    arguments.extend(["push", url, "HEAD:main"]);
    person.git(&arguments)
}

fn password(person: &Person) -> String {
    format!("{}-password", person.name)
}
