//! The recipes of docs/operations.md. The tests run what stands on the page, so that neither can drift from the other.

const PAGE: &str = include_str!("../../docs/operations.md");

/// Returns the one fenced block of the page that holds `mark`.
pub fn block(mark: &str) -> String {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in PAGE.lines() {
        match &mut open {
            None if line.starts_with("```") => open = Some(String::new()),
            Some(_) if line == "```" => blocks.extend(open.take()),
            Some(block) => *block += &format!("{line}\n"),
            None => {}
        }
    }
    blocks.retain(|block| block.contains(mark));
    let [block] = &blocks[..] else { panic!("{} blocks of docs/operations.md hold `{mark}`, not one", blocks.len()) };
    block.clone()
}

/// Returns the line for `login` in the file of keys, made from the page's line for alice; `public_key` is in OpenSSH's form.
pub fn key_line(login: &str, public_key: &str) -> String {
    let block = block("# /etc/ssh/keys/git");
    let line = block.lines().find(|line| line.contains("alice")).expect("the page gives alice's line");
    let (options, _key) = line.split_once(" ssh-ed25519 ").expect("the page's line holds a key");
    format!("{} {public_key}\n", options.replace("alice", login))
}

/// Returns the values of the web server's directive `name`: for each line that it opens, the words behind it.
pub fn directive(name: &str) -> Vec<Vec<String>> {
    let block = block("ScriptAlias");
    let words = block.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    words.filter(|words| words.first().is_some_and(|word| word == name)).map(|words| words[1..].to_vec()).collect()
}
