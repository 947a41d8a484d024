//! A hundred bridges to twenty servers, all at work, and the agent killed under them: each request is answered, with words
//! where it was lost, each bridge finds the next agent by itself, and no client hangs.

use crate::fleet::alone;
use crate::measure::{Durations, say, so_much};
use crate::processes::agent;
use anyhow::{Context, ensure};
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::usage::memory;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const ROW: &str = "bridges";
const SERVERS: usize = 20;
const BRIDGES: usize = 100;
/// Longer than any answer takes: who waits longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a bridge may cost the agent in memory at most, in bytes, its connections to the server included.
const COST_OF_EACH: u64 = 1 << 20;

#[test]
fn a_hundred_bridges_are_served_at_once_and_find_the_next_agent_when_theirs_is_killed() {
    bridges().unwrap();
}

fn bridges() -> anyhow::Result<()> {
    let _alone = alone();
    let mut world = World::new()?;
    world.log_level = "info";
    let servers = (0..SERVERS).map(|number| signed_in(&world, number)).collect::<anyhow::Result<Vec<_>>>()?;
    let first = agent(&world).context("no agent runs")?;
    let before = memory(first)?;

    let began = Instant::now();
    let mut bridges = at_once((0..BRIDGES).map(|number| {
        let world = &world;
        move || Bridge::open(world, number % SERVERS)
    }))?;
    say(ROW, "all of them open after", format!("{} ms", began.elapsed().as_millis()));
    let calls = so_much(20, 200);
    let timed = at_once(bridges.iter_mut().map(|bridge| move || bridge.work(calls)))?;
    let mut durations = Durations::default();
    timed.into_iter().for_each(|of_one| durations.extend(of_one));
    say(ROW, "calls of all of them at once", durations.summary());
    let after = memory(first)?;
    let each = after.peak.saturating_sub(before.all) / BRIDGES as u64;
    say(ROW, "the agent, MiB before and at the peak", format!("{}, {}", mib(before.all), mib(after.peak)));
    say(ROW, "a bridge in the agent's memory", format!("{} KiB", each >> 10));
    ensure!(each <= COST_OF_EACH, "a bridge costs the agent {each} bytes");
    let largest =
        bridges.iter().map(|bridge| Ok(memory(bridge.child.id())?.peak)).collect::<anyhow::Result<Vec<_>>>()?;
    say(ROW, "the largest bridge's process, MiB", mib(largest.into_iter().max().unwrap_or_default()));

    // Servers that stand still keep every request open, until all have arrived there.
    servers.iter().try_for_each(|server| server.signal("STOP"))?;
    bridges.iter_mut().try_for_each(Bridge::ask)?;
    until("all requests at the servers", || {
        let waiting: usize = servers.iter().map(unread).sum::<anyhow::Result<usize>>()?;
        Ok((waiting >= BRIDGES).then_some(()))
    })?;
    world.kill_agent()?;
    let killed = Instant::now();
    servers.iter().try_for_each(|server| server.signal("CONT"))?;
    for bridge in &mut bridges {
        let answer = bridge.answer()?;
        let words = answer["error"]["message"].as_str().with_context(|| format!("a lost request got {answer}"))?;
        ensure!(answer["error"]["code"].is_i64() && !words.is_empty(), "{answer}");
    }
    say(ROW, "all who waited were told after", format!("{} ms", killed.elapsed().as_millis()));
    at_once(bridges.iter_mut().map(|bridge| move || bridge.work(1)))?;
    say(ROW, "all of them at work again after", format!("{} ms", killed.elapsed().as_millis()));
    let next = agent(&world).context("no agent runs")?;
    ensure!(next != first, "the agent was to be killed");
    at_once(bridges.into_iter().map(|bridge| move || bridge.end()))?;
    Ok(())
}

/// A server, and an account there.
fn signed_in(world: &World, number: usize) -> anyhow::Result<Practice> {
    let practice = Practice::start(&["--token-lifetime", "86400"])?;
    world.sign_in(&account(number), practice.mcp_url())?;
    Ok(practice)
}

fn account(number: usize) -> String {
    format!("account-{number}")
}

/// Does all of this at one time.
fn at_once<T: Send, F>(jobs: impl Iterator<Item = F>) -> anyhow::Result<Vec<T>>
where
    F: FnOnce() -> anyhow::Result<T> + Send,
{
    thread::scope(|scope| {
        let started: Vec<_> = jobs.map(|job| scope.spawn(job)).collect();
        started.into_iter().map(|job| job.join().expect("a client doesn't panic")).collect()
    })
}

/// How many connections to this server have something in them that it hasn't read.
fn unread(server: &Practice) -> anyhow::Result<usize> {
    let port: u16 = server.issuer().rsplit(':').next().context("a port")?.parse()?;
    let end = format!(":{port:04X}");
    let table = fs::read_to_string("/proc/net/tcp")?;
    let is_unread = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let received = fields.get(4).and_then(|queues| queues.rsplit(':').next());
        fields.get(1).is_some_and(|local| local.ends_with(&end)) && received.is_some_and(|bytes| bytes != "00000000")
    };
    Ok(table.lines().filter(is_unread).count())
}

fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

/// A client's bridge.
struct Bridge {
    child: Child,
    input: ChildStdin,
    /// What it says, line by line.
    heard: Receiver<Value>,
    /// How many requests were made.
    asked: u64,
}

impl Bridge {
    /// Starts one to this server, and says hello.
    fn open(world: &World, number: usize) -> anyhow::Result<Bridge> {
        let mut command = world.command(&["bridge", &account(number)]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let input = child.stdin.take().context("a pipe")?;
        let output = BufReader::new(child.stdout.take().context("a pipe")?);
        let (says, heard) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // What is no JSON is told as it is, and is no answer to anything.
                let message = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if says.send(message).is_err() {
                    return;
                }
            }
        });
        let mut bridge = Bridge { child, input, heard, asked: 0 };
        let client = json!({ "name": "torture", "version": "1" });
        let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
        bridge.request("initialize", &hello)?;
        let answer = bridge.answer()?;
        ensure!(answer["result"]["serverInfo"].is_object(), "{answer}");
        bridge.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
        Ok(bridge)
    }

    /// Makes so many calls, one after the other.
    fn work(&mut self, calls: usize) -> anyhow::Result<Durations> {
        let mut durations = Durations::default();
        for _ in 0..calls {
            let began = Instant::now();
            self.ask()?;
            let answer = self.answer()?;
            durations.add(began.elapsed());
            ensure!(answer["result"]["content"][0]["text"] == self.words(), "{answer}");
        }
        Ok(durations)
    }

    /// Makes a call, and doesn't wait for the answer.
    fn ask(&mut self) -> anyhow::Result<()> {
        let number = self.asked + 1;
        self.request("tools/call", &json!({ "name": "echo", "arguments": { "text": format!("request {number}") } }))
    }

    /// What the last call asked to hear.
    fn words(&self) -> String {
        format!("request {}", self.asked)
    }

    /// The answer to the last request, which comes once.
    fn answer(&mut self) -> anyhow::Result<Value> {
        let answer = self.heard.recv_timeout(PATIENCE).with_context(|| format!("{} wasn't answered", self.words()))?;
        ensure!(answer["id"] == self.asked, "{} was asked, and: {answer}", self.words());
        Ok(answer)
    }

    fn request(&mut self, method: &str, params: &Value) -> anyhow::Result<()> {
        self.asked += 1;
        self.say(&json!({ "jsonrpc": "2.0", "id": self.asked, "method": method, "params": params }))
    }

    fn say(&mut self, message: &Value) -> anyhow::Result<()> {
        Ok(self.input.write_all(format!("{message}\n").as_bytes())?)
    }

    /// Ends it as a client does; nothing else may have come.
    fn end(self) -> anyhow::Result<()> {
        let Bridge { mut child, input, heard, .. } = self;
        drop(input);
        let status = until("the end of a bridge", || Ok(child.try_wait()?))?;
        ensure!(status.success(), "a bridge ended with {status}");
        let late: Vec<Value> = heard.iter().collect();
        ensure!(late.is_empty(), "a bridge has said more: {late:?}");
        Ok(())
    }
}
