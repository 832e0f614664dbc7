//! The rules, under every order of messages: no epoch has two writers, and no commit that was
//! called safe is missed by whoever writes next.

use proptest::prelude::*;

use super::*;

fn peer(no: usize) -> PeerId {
    PeerId::from_bytes([no as u8; 32])
}

fn claim(epoch: u64, held: bool, electors: &[usize]) -> Claim {
    let electors = electors.iter().map(|no| peer(*no)).collect();
    let drive = "work".to_owned();
    Claim { drive, epoch, held, confirmed: false, electors, before: Vec::new() }
}

/// Holders that have all heads of these devices, with ages.
fn surveyed(holders: &[usize], devices: &[(usize, u64, Option<Claim>, u64)]) -> Survey {
    let answered = holders.iter().map(|no| peer(*no)).collect();
    let mut survey = Survey { answered, ..Survey::default() };
    for (device, seq, claim, age_secs) in devices {
        let given = Given { seq: *seq, age_secs: *age_secs };
        let heard = Heard {
            seq: *seq,
            claims: claim.iter().cloned().collect(),
            given: holders.iter().map(|no| (peer(*no), given)).collect(),
        };
        survey.devices.insert(peer(*device), heard);
    }
    survey
}

#[test]
fn a_writer_is_overruled_only_when_a_majority_has_not_heard_of_it_for_a_lease() {
    let held = || Some(claim(3, true, &[1, 2, 3]));
    let standing =
        |holders: &[usize], age| surveyed(holders, &[(100, 9, held(), age)]).standing("work", 60);
    assert!(matches!(standing(&[1, 2, 3], 59), Standing::Held { ran_out: false, .. }));
    assert!(matches!(standing(&[1, 2], 60), Standing::Held { ran_out: true, .. }));
    assert!(matches!(standing(&[1, 4, 5, 6], 600), Standing::Unsure(Some(_))));
    // One of two that answer has heard of it: that is no majority of three that has not.
    let mut survey = surveyed(&[1, 2], &[(100, 9, held(), 60)]);
    survey.devices.get_mut(&peer(100)).unwrap().given.get_mut(&peer(2)).unwrap().age_secs = 3;
    assert!(matches!(survey.standing("work", 60), Standing::Held { ran_out: false, .. }));
    let free = Some(claim(3, false, &[1, 2, 3]));
    let given_back = surveyed(&[1, 2], &[(100, 9, free, 0)]);
    assert!(matches!(given_back.standing("work", 60), Standing::Free(_)));
    assert_eq!(given_back.standing("play", 60), Standing::Unclaimed);
}

#[test]
fn of_two_that_claim_one_epoch_neither_has_it_and_a_writer_does_not_mind() {
    let mine = claim(4, true, &[1, 2, 3]);
    let survey =
        surveyed(&[1, 2, 3], &[(100, 9, Some(mine.clone()), 0), (101, 2, Some(mine.clone()), 0)]);
    let rivalled = Verdict::Overruled { by: peer(101), epoch: 4 };
    assert_eq!(survey.verdict(peer(100), &mine, 9), rivalled);
    let writing = Claim { confirmed: true, ..mine.clone() };
    assert_eq!(survey.verdict(peer(100), &writing, 9), Verdict::Confirmed);
    // Not before a majority has what it published.
    assert_eq!(survey.verdict(peer(100), &writing, 10), Verdict::Unsure);
    // And it is the one that counts, whatever the devices are called.
    for (one, other) in [(100, 101), (101, 100)] {
        let claims = [(one, 9, Some(writing.clone()), 0), (other, 2, Some(mine.clone()), 0)];
        assert_eq!(surveyed(&[1, 2, 3], &claims).top("work").unwrap().device, peer(one));
    }
}

#[test]
fn electors_that_are_gone_are_replaced_before_they_are_too_many() {
    let peers = |all: &[usize]| all.iter().map(|no| peer(*no)).collect::<Vec<_>>();
    let mine = claim(1, true, &[1, 2, 3, 4, 5, 6, 7]);
    let seats = |could: &[usize]| reseat(&mine, &peers(could));
    assert_eq!(seats(&[1, 2, 3, 4, 5, 6, 7, 8]), None);
    assert_eq!(seats(&[1, 2, 3, 4, 5, 8, 9]), None, "two of seven");
    assert_eq!(seats(&[1, 2, 3, 4, 8, 9, 10]), Some(peers(&[1, 2, 3, 4, 8, 9, 10])));
    assert_eq!(seats(&[1, 2, 3, 4, 8]), Some(peers(&[1, 2, 3, 4, 8])));
    assert_eq!(seats(&[1, 2, 3, 4]), None, "nobody else is here");
    // As long as there are fewer than there could be, whoever comes is one.
    let few = claim(1, true, &[1]);
    assert_eq!(reseat(&few, &peers(&[1, 2, 3])), Some(peers(&[1, 2, 3])));
    assert_eq!(reseat(&few, &peers(&[1])), None);
    // Who decided before still does: not another change on top.
    let changing = Claim { before: peers(&[1, 2]), ..mine.clone() };
    assert_eq!(reseat(&changing, &peers(&[1, 2, 3, 4, 8, 9, 10])), None);
}

const HOLDERS: usize = 5;
const DEVICES: usize = 3;

/// What one device says: its number, its claim, and how many commits it made.
#[derive(Debug, Clone)]
struct Said {
    seq: u64,
    claim: Option<Claim>,
}

#[derive(Debug, Clone)]
enum Phase {
    Looking,
    /// Writes its head, then reads: for a claim, or for a commit.
    Writing {
        claiming: bool,
    },
    Reading {
        claiming: bool,
    },
}

struct Device {
    me: PeerId,
    said: Said,
    phase: Phase,
    survey: Survey,
    writer: bool,
}

/// Everything that happened.
#[derive(Default)]
struct Told {
    /// Which device was told that an epoch is its own, and what it had read then.
    epochs: BTreeMap<u64, (PeerId, Survey)>,
    /// Commits called safe: of which epoch, device and number.
    safe: Vec<(u64, PeerId, u64)>,
}

/// Reads all that a holder keeps.
fn hear(survey: &mut Survey, holder: usize, kept: &BTreeMap<PeerId, Said>) {
    survey.answered.insert(peer(holder));
    for (device, said) in kept {
        let heard = survey.devices.entry(*device).or_default();
        if said.seq >= heard.seq {
            heard.seq = said.seq;
            heard.claims = said.claim.iter().cloned().collect();
        }
        heard.given.insert(peer(holder), Given { seq: said.seq, age_secs: 0 });
    }
}

impl Device {
    fn meet(&mut self, holder: usize, kept: &mut BTreeMap<PeerId, Said>) {
        if let Phase::Writing { .. } = self.phase {
            kept.insert(self.me, self.said.clone());
            return;
        }
        hear(&mut self.survey, holder, kept);
    }

    /// Goes on with what it has heard so far, however little.
    fn go_on(&mut self, electors: Vec<PeerId>, told: &mut Told) {
        let survey = std::mem::take(&mut self.survey);
        match self.phase.clone() {
            Phase::Looking if self.writer => {
                // Now and then others decide from now on.
                let claim = self.said.claim.as_mut().filter(|claim| claim.before.is_empty());
                if let Some(claim) = claim.filter(|_| electors.len() > 2) {
                    claim.before = std::mem::replace(&mut claim.electors, electors);
                }
                self.said.seq += 1;
                self.phase = Phase::Writing { claiming: false };
            }
            Phase::Looking => {
                // Everybody's lease has run out.
                let top = match survey.standing("work", 0) {
                    Standing::Held { top, .. } | Standing::Free(top) => top,
                    Standing::Unclaimed | Standing::Unsure(_) => return,
                };
                let own = self.said.claim.as_ref().map_or(0, |claim| claim.epoch);
                let (electors, before) = succeed(Some(&top.claim), electors);
                let epoch = top.claim.epoch.max(own) + 1;
                let drive = "work".to_owned();
                self.said.claim =
                    Some(Claim { drive, epoch, held: true, confirmed: false, electors, before });
                self.said.seq += 1;
                self.phase = Phase::Writing { claiming: true };
            }
            Phase::Writing { claiming } => self.phase = Phase::Reading { claiming },
            Phase::Reading { claiming } => self.judge(survey, claiming, told),
        }
    }

    fn judge(&mut self, survey: Survey, claiming: bool, told: &mut Told) {
        let Some(claim) = &mut self.said.claim else { return };
        match survey.verdict(self.me, claim, self.said.seq) {
            Verdict::Confirmed => {
                claim.before.clear();
                claim.confirmed = true;
                self.writer = true;
                let (epoch, me) = (claim.epoch, self.me);
                if claiming {
                    let twice = told.epochs.insert(epoch, (me, survey));
                    assert!(twice.is_none(), "epoch {epoch} has two writers");
                } else {
                    told.safe.push((epoch, me, self.said.seq));
                }
                self.phase = Phase::Looking;
            }
            Verdict::Overruled { .. } => {
                claim.held = false;
                claim.confirmed = false;
                self.said.seq += 1;
                self.writer = false;
                // Says so to whom it meets next, and looks again.
                self.phase = Phase::Writing { claiming: false };
                self.writer = false;
            }
            // Reads on.
            Verdict::Unsure => {}
        }
    }
}

/// Who only reads, and shows what is confirmed: whoever writes next must have read it as well.
fn follow(survey: &mut Survey, told: &mut Told) {
    let survey = std::mem::take(survey);
    let Some(top) = survey.top("work") else { return };
    let Some(seq) = survey.devices.get(&top.device).map(|heard| heard.seq) else { return };
    if survey.verdict(top.device, &top.claim, seq) == Verdict::Confirmed {
        told.safe.push((top.claim.epoch, top.device, seq));
    }
}

fn first_claim() -> Claim {
    Claim { confirmed: true, ..claim(1, true, &[0, 1, 2, 3, 4]) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_messages_gives_an_epoch_two_writers_or_hides_a_safe_commit(
        steps in prop::collection::vec((0..=DEVICES, 0..HOLDERS + 3, any::<u8>()), 1..400),
    ) {
        let first = Said { seq: 1, claim: Some(first_claim()) };
        let mut holders = vec![BTreeMap::from([(peer(100), first.clone())]); HOLDERS];
        let mut told = Told::default();
        let mut devices: Vec<Device> = (0..DEVICES)
            .map(|no| Device {
                me: peer(100 + no),
                said: if no == 0 { first.clone() } else { Said { seq: 0, claim: None } },
                phase: Phase::Looking,
                survey: Survey::default(),
                writer: no == 0,
            })
            .collect();
        let mut follower = Survey::default();
        for (device, holder, mask) in steps {
            if device == DEVICES {
                match holders.get(holder) {
                    Some(kept) => hear(&mut follower, holder, kept),
                    None => follow(&mut follower, &mut told),
                }
                continue;
            }
            if let Some(kept) = holders.get_mut(holder) {
                devices[device].meet(holder, kept);
            } else {
                let chosen = (0..HOLDERS).filter(|no| mask & (1 << no) != 0).map(peer);
                devices[device].go_on(chosen.collect(), &mut told);
            }
        }
        for (epoch, device, seq) in &told.safe {
            for (later, (by, read)) in told.epochs.range(epoch + 1..) {
                let seen = read.devices.get(device).map_or(0, |heard| heard.seq);
                prop_assert!(
                    by == device || seen >= *seq,
                    "epoch {later} missed commit {seq} of epoch {epoch}: saw {seen}"
                );
            }
        }
    }
}
