//! `amanat prove`.

use super::proof_files;
use crate::args::Global;
use crate::args::prove::{ProveArgs, ProveWhat};
use crate::session;
use crate::ui::Ui;
use amanat_client::prove::{AudienceRequest, Facts, ProofRequest, Proved, RecordChoice, ScopeRequest};
use amanat_client::{AccessRequest, Client, ConsentProofRequest, RecordProofRequest, RoleProofRequest};
use amanat_domain::record::Micro;
use anyhow::{Context, Result, bail};

pub(crate) fn run(args: &ProveArgs, global: &Global, ui: Ui) -> Result<()> {
    if let (Some(zkey), Some(wtns)) = (&args.zkey, &args.wtns) {
        return super::zkey::run(zkey, wtns, args, ui);
    }
    let intent = Intent::of(args)?;
    let mut client = session::open(global, &args.at, ui)?;
    let request = intent.request(&client, args.audience.as_str().into())?;
    proof_files::check(args)?;
    if args.dry_run {
        let proved = client.prove(&request)?;
        let (written, document) = (proof_files::write(args, &mut client, &proved, ui), document(&proved));
        client.discard(proved)?;
        written?;
        ui.document(&document);
        return Ok(());
    }
    let mut told = serde_json::Value::Null;
    let receipt = client.prove_and_submit_after(&request, |client, proved| {
        told = document(proved);
        proof_files::write(args, client, proved, ui)
    })?;
    ui.say(format!("committed in block {}: {}", receipt.height(), receipt.txid()));
    told["height"] = receipt.height().into();
    ui.document(&told);
    Ok(())
}

/// What a command line asks for, before a home directory is opened.
enum Intent {
    Access(AccessRequest),
    Consent { holder: String, consent: u32, scope: ScopeRequest },
    Role(RoleProofRequest),
    Record { record: RecordChoice, facts: Facts },
}

impl Intent {
    fn of(args: &ProveArgs) -> Result<Self> {
        let what =
            args.what.context("what to prove? access, consent, role or record; or give --zkey and --wtns")?;
        let audience = AudienceRequest::default();
        let holder = || {
            let name = args.holder.clone();
            name.context("whose credential? give --holder NAME (`amanat clinician list`)")
        };
        let consent = || args.consent.context("which consent? give --consent NUMBER (`amanat consent list`)");
        let scope = || ScopeRequest::parse(&args.purpose, &args.action, &args.categories);
        Ok(match what {
            ProveWhat::Access => Self::Access(AccessRequest {
                consent: consent()?,
                record: args.record,
                holder: holder()?,
                scope: scope()?,
                policy: None,
                audience,
            }),
            ProveWhat::Consent => {
                let (consent, holder, scope) = (consent()?, holder()?, scope()?);
                Self::Consent { holder, consent, scope }
            }
            ProveWhat::Role => Self::Role(RoleProofRequest { holder: holder()?, policy: None, audience }),
            ProveWhat::Record => {
                let record = match (args.record, args.consent) {
                    (Some(number), _) => RecordChoice::Number(number),
                    (None, Some(consent)) => RecordChoice::OfConsent(consent),
                    (None, None) => bail!("which record? give --record NUMBER (`amanat vault list`)"),
                };
                let at_least = args
                    .at_least
                    .as_deref()
                    .map(|text| Micro::parse(text).map_err(|e| anyhow::anyhow!("--at-least {text}: {e}")));
                let (at_least, disclose) = (at_least.transpose()?, Facts::leaves(&args.disclose)?);
                Self::Record { record, facts: Facts { at_least, disclose } }
            }
        })
    }

    /// The request for this audience. The command line has no request of an audience: consent and
    /// record are proved about what the files of the home directory offer.
    fn request(self, client: &Client, audience: AudienceRequest) -> Result<ProofRequest> {
        Ok(match self {
            Self::Access(request) => ProofRequest::Access(AccessRequest { audience, ..request }),
            Self::Consent { holder, consent, scope } => {
                let asked = client.offered_consent(&holder, &scope)?;
                ProofRequest::Consent(ConsentProofRequest { consent, asked, audience })
            }
            Self::Role(request) => ProofRequest::Role(RoleProofRequest { audience, ..request }),
            Self::Record { record, facts } => {
                let asked = client.offered_record(record, &facts)?;
                ProofRequest::Record(RecordProofRequest { record, asked, audience })
            }
        })
    }
}

fn document(proved: &Proved) -> serde_json::Value {
    serde_json::json!({
        "statement": proved.statement.name(),
        "txid": proved.transaction.id().to_string(),
        "proving_seconds": proved.proving.as_secs_f64(),
    })
}
