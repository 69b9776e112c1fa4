//! One file a command.

mod admit;
mod attached;
mod audit;
mod cache;
mod carry;
mod check;
mod ci;
mod copy;
mod db;
mod diff;
mod drift;
mod explain;
mod files;
mod history;
mod image_feeds;
mod install;
mod inventory;
mod key;
mod keyless;
mod licenses;
mod lineage;
mod lint;
mod locate;
mod pin;
mod plan;
mod policy;
mod promote;
mod provenance;
mod retire;
mod sbom;
mod scan;
mod scrub;
mod secrets;
mod sign;
mod trail;
mod tree;
mod trust;
mod unified_diff;
mod update;
mod verify;
mod vex;
mod vsa;

use clap::CommandFactory;

use crate::args::{Args, Command, Global};
use crate::config::Config;
use crate::environment::Environment;
use crate::exit::Code;
use crate::output::to_stdout;

/// What every command may need.
pub(crate) struct Context {
    pub(crate) environment: Environment,
    pub(crate) config: Config,
    pub(crate) global: Global,
}

impl Context {
    pub(crate) fn new(global: Global) -> anyhow::Result<Self> {
        let environment = Environment::read();
        let config = Config::read(global.config.as_deref(), environment.config_file().as_deref())?;
        Ok(Self { environment, config, global })
    }

    /// The proxies to go through: those of the configuration, else those of the environment.
    pub(crate) fn proxies(&self) -> plimsoll_image::source::registry::ProxySettings {
        let configured = &self.config.registries.proxy;
        if *configured == Default::default() { self.environment.proxies() } else { configured.clone() }
    }

    /// Where evidence and databases are kept, if anywhere.
    pub(crate) fn cache_directory(&self) -> Option<std::path::PathBuf> {
        let given = self.global.cache_dir.clone().or_else(|| self.config.cache.directory.clone());
        given.or_else(|| self.environment.cache_directory())
    }
}

/// Runs what was typed.
pub(crate) fn run(args: Args) -> anyhow::Result<Code> {
    match args.command {
        Command::Scan(scan) => scan::run(scan.into_inner(), &Context::new(args.global)?),
        Command::Check(check) => check::run(&check, &Context::new(args.global)?),
        Command::Plan(plan) => plan::run(&plan, &Context::new(args.global)?),
        Command::Ci(ci) => ci::run(&ci, &Context::new(args.global)?),
        Command::Policy(policy) => policy::run(&policy, &Context::new(args.global)?),
        Command::Explain(explain) => explain::run(&explain, &Context::new(args.global)?),
        Command::Inventory(inventory) => inventory::run(&inventory, &Context::new(args.global)?),
        Command::Licenses(licenses) => licenses::run(&licenses, &Context::new(args.global)?),
        Command::Diff(diff) => diff::run(&diff, &Context::new(args.global)?),
        Command::Lineage(lineage) => lineage::run(&lineage, &Context::new(args.global)?),
        Command::Base(base) => lineage::base(&base, &Context::new(args.global)?),
        Command::Lint(lint) => lint::run(&lint, &Context::new(args.global)?),
        Command::Pin(pin) => pin::run(&pin, &Context::new(args.global)?),
        Command::Scrub(scrub) => scrub::run(&scrub, &Context::new(args.global)?),
        Command::Key(key) => key::run(&key, &Context::new(args.global)?),
        Command::Sign(sign) => sign::image(&sign, &Context::new(args.global)?),
        Command::SignBlob(sign) => sign::blob(&sign, &Context::new(args.global)?),
        Command::Attest(attest) => sign::attest(&attest, &Context::new(args.global)?),
        Command::Provenance(provenance) => provenance::run(&provenance, &Context::new(args.global)?),
        Command::Verify(verify) => verify::image(&verify, &Context::new(args.global)?),
        Command::VerifyBlob(verify) => verify::blob(&verify, &Context::new(args.global)?),
        Command::Admit(admit) => admit::run(&admit, args.global),
        Command::Tree(tree) => tree::run(&tree, &Context::new(args.global)?),
        Command::Copy(copy) => copy::run(&copy, &Context::new(args.global)?),
        Command::Promote(promote) => promote::run(&promote, &Context::new(args.global)?),
        Command::Retire(retire) => retire::run(&retire, &Context::new(args.global)?),
        Command::Drift(drift) => drift::run(&drift, &Context::new(args.global)?),
        Command::Trust(trust) => trust::run(&trust, &Context::new(args.global)?),
        Command::Audit(audit) => audit::run(&audit, &Context::new(args.global)?),
        Command::Sbom(sbom) => sbom::run(sbom.into_inner(), &Context::new(args.global)?),
        Command::Secrets(secrets) => secrets::run(&secrets, &Context::new(args.global)?),
        Command::Db(db) => db::run(db.into_inner(), &Context::new(args.global)?),
        Command::Vex(vex) => vex::run(vex.into_inner(), &Context::new(args.global)?),
        Command::Cache(cache) => cache::run(&cache, &Context::new(args.global)?),
        Command::Completions { shell } => {
            // It panics if it cannot write, and it can always write to memory.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "plimsoll", &mut script);
            to_stdout(|out| out.write_all(&script))?;
            Ok(Code::Pass)
        }
        Command::Man { directory } => {
            std::fs::create_dir_all(&directory)?;
            clap_mangen::generate_to(Args::command(), &directory)?;
            Ok(Code::Pass)
        }
    }
}
