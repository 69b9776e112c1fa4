//! The webhook: a process like this one decides each review; here it is told to the audit trail, by one thread, whose key was opened
//! once.

use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::time::Duration;

use anyhow::Context as _;
use plimsoll_report::admission::Answer;
use plimsoll_server::worker::Worker;
use plimsoll_server::{Limits, Record, Webhook, serve};

use super::super::Context;
use super::super::check::Gate;
use super::super::trail::Trail;
use super::super::verify::order::Order;
use super::tell::tell;
use crate::args::admit::Admit;
use crate::environment::Environment;
use crate::exit::Code;
use crate::progress;

/// So many answers wait to be told to the audit trail.
const TELLING: usize = 64;

/// What is to be told, and to whom whether it was.
struct Telling {
    review: Vec<u8>,
    answer: Answer,
    told: Sender<Result<(), String>>,
}

pub(super) fn run(address: SocketAddr, args: &Admit, context: &Context) -> anyhow::Result<Code> {
    // Whoever has a mistake in anything learns it now, not from denials.
    let verify = args.verify().context("--trust is missing")?;
    drop(Order::new(&verify, context)?);
    if args.policy.is_some() {
        drop(Gate::of(&args.check(""), context)?);
    }
    let certificate = args.webhook.tls_cert.clone().context("--tls-cert is missing")?;
    let key = args.webhook.tls_key.clone().context("--tls-key is missing")?;
    let worker = worker()?;
    let limits = Limits {
        time: Duration::from_secs(args.webhook.timeout.into()),
        at_once: args.webhook.at_once.into(),
        waiting: args.webhook.waiting.into(),
    };
    let complain = Box::new(|words: &str| progress::warning(words));
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(TELLING);
        let (opened, is_opened) = mpsc::channel();
        scope.spawn(move || told(args, context, &receiver, &opened));
        let is_audited = is_opened.recv().context("the audit trail is not opened")??;
        let record = is_audited.then(|| record(sender));
        serve(Webhook { address, certificate, key, worker, limits, record, complain }, |address| {
            progress::note(&format!("listening on https://{address}/admit"));
        })?;
        Ok(Code::Pass)
    })
}

/// This program with the same arguments, so that nothing that was asked for is lost on the way.
fn worker() -> anyhow::Result<Worker> {
    let program = std::env::current_exe().context("finding this program")?;
    let arguments = std::env::args_os().skip(1).chain(["--worker".into()]).collect();
    Ok(Worker { program, arguments })
}

fn record(sender: SyncSender<Telling>) -> Box<Record> {
    Box::new(move |review: &[u8], answer: &Answer| {
        let (told, is_told) = mpsc::channel();
        let gone = || "nobody tells the audit trail any more".to_owned();
        let telling = Telling { review: review.to_owned(), answer: answer.clone(), told };
        sender.send(telling).map_err(|_| gone())?;
        is_told.recv().map_err(|_| gone())?
    })
}

/// Tells the audit trail what it is given, if there is one, until nobody gives more.
fn told(
    args: &Admit,
    context: &Context,
    receiver: &Receiver<Telling>,
    opened: &Sender<anyhow::Result<bool>>,
) {
    let trail = match Trail::of(&args.auditing, context) {
        Ok(Some(trail)) => trail,
        other => return drop(opened.send(other.map(|trail| trail.is_some()))),
    };
    drop(opened.send(Ok(true)));
    for Telling { review, answer, told } in receiver {
        let now = Environment::read().moment();
        let result = now.and_then(|now| tell(&trail, now, &review, &answer));
        // Whoever does not wait any more has denied it.
        drop(told.send(result.map_err(|error| format!("{error:#}"))));
    }
}
