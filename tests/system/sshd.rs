//! An OpenSSH server on a free port of this machine, configured by the page, and the people's side of it.

use crate::page;
use crate::person::{Person, Said, run};
use crate::site::{REPOSITORY, Site};
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

/// By which name people know the server.
pub const HOST: &str = "git.example.com";

/// How long the server may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that ends with this value.
pub struct Sshd {
    child: Child,
    port: u16,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

impl Sshd {
    /// Starts a server with the page's configuration, for alice and bob.
    pub fn new(site: &Site) -> Self {
        let lines = [&site.alice, &site.bob].map(|person| page::key_line(person.name, &person.public_key()));
        Self::start(site, &page::block("# sshd_config"), &lines)
    }

    /// Starts a server with `config`, for the holders of the keys in `lines`.
    pub fn start(site: &Site, config: &str, lines: &[String]) -> Self {
        site.write("/usr/local/lib/jit/git-as", &page::block("git-as LOGIN"), 0o755);
        site.write(&format!("/etc/ssh/keys/{}", site.user), &lines.concat(), 0o644);
        let host_key = site.root().join("host_key");
        site.must_sh(&format!("test -e {0} || ssh-keygen -q -t ed25519 -N '' -f {0}", host_key.display()));
        // Five, because somebody else may take a port between the choice and the start.
        let started = (0..5).find_map(|_| Self::listen(site, config, &host_key));
        let sshd = started.unwrap_or_else(|| {
            let log = fs::read_to_string(site.root().join("sshd.log")).unwrap_or_default();
            panic!("sshd does not start (as root it needs the folder /run/sshd):\n{log}")
        });
        let host_key = fs::read_to_string(host_key.with_extension("pub")).expect("a public key");
        fs::write(site.root().join("known_hosts"), format!("{HOST} {host_key}")).expect("written");
        for person in [&site.alice, &site.bob, &site.mallory] {
            sshd.introduce(site, person);
        }
        sshd
    }

    /// The port of 127.0.0.1 on which it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it on a port that is free now; `None` if it ends at once.
    fn listen(site: &Site, config: &str, host_key: &Path) -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
        // What the page leaves to the machine. The temporary folder stands in one that everybody can write, which is why the
        // server may not look at the folders above the file of keys.
        let text = format!(
            "ListenAddress {free}\nHostKey {}\nPidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\nMaxStartups 100\n{}",
            host_key.display(),
            site.here(config)
        );
        let file = site.root().join("sshd_config");
        fs::write(&file, text).expect("written");
        let log = File::create(site.root().join("sshd.log")).expect("a new file");
        let program = program("sshd");
        let mut child = Command::new(&program)
            .args(["-D", "-e", "-f"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.display()));
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if child.try_wait().expect("a child of this process").is_some() {
                return None;
            }
            if TcpStream::connect(free).is_ok() {
                return Some(Self { child, port: free.port() });
            }
            thread::sleep(Duration::from_millis(20));
        }
        // Dropping the value ends the server.
        drop(Self { child, port: free.port() });
        None
    }

    /// Tells ssh and Git of `person` how to reach the server, and nothing of the developer's own keys and hosts.
    fn introduce(&self, site: &Site, person: &Person) {
        let text = format!(
            "Host {HOST}\nHostName 127.0.0.1\nPort {}\nUser {}\nHostKeyAlias {HOST}\nIdentityFile {}\nIdentitiesOnly yes\n\
             IdentityAgent none\nUserKnownHostsFile {}\nGlobalKnownHostsFile /dev/null\nStrictHostKeyChecking yes\n\
             BatchMode yes\nControlPath none\nLogLevel ERROR\n",
            self.port,
            site.user,
            person.key().display(),
            site.root().join("known_hosts").display(),
        );
        fs::write(ssh_config(person), text).expect("written");
        set_ssh(person, "", "");
    }
}

/// The URL of the page's path `path`.
pub fn url(site: &Site, path: &str) -> String {
    format!("ssh://{HOST}{}", site.here(path))
}

/// The URL of the repository, as the page gives it.
pub fn repository(site: &Site) -> String {
    let line = page::block("git clone git@");
    let url = line.split_whitespace().find(|word| word.starts_with("git@")).expect("the page clones");
    assert_eq!(url, format!("git@{HOST}:{REPOSITORY}"));
    site.here(&url.replace("git@", &format!("{}@", site.user)))
}

/// Lets Git of `person` start ssh behind the words `before`, with the arguments `more`.
pub fn set_ssh(person: &Person, before: &str, more: &str) {
    let command = format!("{before} ssh -F {} {more}", ssh_config(person).display());
    person.configure(&format!("[core]\nsshCommand = \"{}\"\n[ssh]\nvariant = ssh\n", command.trim()));
}

/// Runs ssh as `person` does: `options`, then the server, then `command`.
pub fn ssh(person: &Person, options: &[&str], command: &[&str], input: &str) -> Said {
    let mut ssh = person.command("ssh");
    ssh.arg("-F").arg(ssh_config(person)).args(options).arg(HOST).args(command);
    run(ssh, input)
}

/// By which options ssh of `person` reaches the server.
pub fn ssh_options(person: &Person) -> String {
    format!("-F {}", ssh_config(person).display())
}

fn ssh_config(person: &Person) -> PathBuf {
    person.at_home(".ssh/config")
}

/// Finds a server's program, whose folder need not be in a person's PATH; sshd wants to be started by its full path.
fn program(name: &str) -> PathBuf {
    let paths = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&paths).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("these tests need `{name}`, which Debian has in the package openssh-server"))
}
