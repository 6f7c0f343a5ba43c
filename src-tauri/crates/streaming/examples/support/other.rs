//! This program once more, in a process of its own: it prints the numbers of its ports, and then a line for each that it is given.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// Ends when it is dropped.
pub struct Other {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    pub ports: Vec<u16>,
    child: Child,
}

impl Other {
    pub async fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let ports = output.next_line().await.unwrap().unwrap();
        let ports = ports.split(' ').map(|port| port.parse().unwrap()).collect();
        Self { input, output, ports, child }
    }

    /// What it answers to a text.
    pub async fn tell(&mut self, text: &str) -> String {
        let line = serde_json::to_string(text).unwrap() + "\n";
        self.input.write_all(line.as_bytes()).await.unwrap();
        self.output.next_line().await.unwrap().unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }
}
