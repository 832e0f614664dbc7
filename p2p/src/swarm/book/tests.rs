//! When the book says to dial, and when not.

use super::*;

fn peer(no: u8) -> PeerId {
    PeerId::from_bytes([no; 32])
}

fn address(port: u16) -> Multiaddr {
    format!("/ip4/192.0.2.1/tcp/{port}").parse().unwrap()
}

fn connection(no: usize) -> ConnectionId {
    ConnectionId::new_unchecked(no)
}

fn goals(book: &mut Book, now: Instant) -> Vec<Goal> {
    book.due(now).into_iter().map(|(goal, _)| goal).collect()
}

/// Me, and one member with an address.
fn book_of_two(now: Instant) -> Book {
    let mut book = Book::new(peer(0));
    book.member(peer(1), vec![address(1)], now);
    book
}

#[tokio::test(start_paused = true)]
async fn a_member_that_fails_is_tried_less_and_less_often_and_never_given_up() {
    let mut now = Instant::now();
    let mut book = book_of_two(now);
    let mut pauses = Vec::new();
    for no in 0..12 {
        assert_eq!(goals(&mut book, now), [Goal::Peer(peer(1))]);
        assert_eq!(goals(&mut book, now), [], "one dial at a time");
        book.dialing(Goal::Peer(peer(1)), connection(no));
        book.failed(connection(no), now);
        let failed = now;
        while book.due(now).is_empty() {
            now += Duration::from_millis(250);
        }
        // That was a dial too: put it back.
        book.dialing(Goal::Peer(peer(1)), connection(100 + no));
        let entry = book.entries.get_mut(&Goal::Peer(peer(1))).unwrap();
        entry.phase = Phase::Waiting { until: now };
        pauses.push(now - failed);
    }
    assert!(pauses[0] <= Duration::from_millis(1500), "{pauses:?}");
    assert!(pauses[3] > pauses[0] * 3, "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= LONGEST_PAUSE * 5 / 4), "{pauses:?}");
    assert!(pauses[11] >= LONGEST_PAUSE * 3 / 4, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_peer_is_not_dialled_for_a_while_and_the_reason_is_kept() {
    let now = Instant::now();
    let mut book = book_of_two(now);
    book.due(now);
    book.connected_to(peer(1), connection(1), now);
    book.refused(peer(1), Refusal::CertExpired, now);
    book.closed(peer(1), false, now);
    assert_eq!(book.outlook(peer(1), now), Outlook::Refused(Refusal::CertExpired));
    assert_eq!(goals(&mut book, now + REFUSED_PAUSE / 2), []);
    assert!(book.is_settled());
    assert_eq!(book.outlook(peer(1), now + REFUSED_PAUSE), Outlook::Open);
    assert_eq!(goals(&mut book, now + REFUSED_PAUSE), [Goal::Peer(peer(1))]);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_names_nobody_leads_to_a_device() {
    let now = Instant::now();
    let mut book = Book::new(peer(0));
    book.add(Standing::Configured, None, address(1), now);
    assert!(!book.is_settled());
    assert_eq!(goals(&mut book, now), [Goal::Address(address(1))]);
    book.dialing(Goal::Address(address(1)), connection(1));
    book.connected_to(peer(1), connection(1), now);
    assert!(!book.is_settled(), "not admitted yet");
    book.admitted(peer(1), now);
    assert!(book.is_settled());
    assert_eq!(goals(&mut book, now + LONGEST_PAUSE), [], "somebody of the grid is there");
    // When it is gone, it is tried again by name, and its address is known.
    book.closed(peer(1), true, now);
    assert!(goals(&mut book, now + LONGEST_PAUSE).contains(&Goal::Peer(peer(1))));
}

#[tokio::test(start_paused = true)]
async fn our_own_address_is_dialled_once() {
    let now = Instant::now();
    let mut book = Book::new(peer(0));
    book.add(Standing::Configured, Some(peer(0)), address(1), now);
    assert_eq!(goals(&mut book, now), []);
    book.add(Standing::Configured, None, address(1), now);
    book.due(now);
    book.dialing(Goal::Address(address(1)), connection(1));
    book.is_me(connection(1));
    assert_eq!(goals(&mut book, now + REFUSED_PAUSE), []);
    assert!(book.is_settled());
}

#[tokio::test(start_paused = true)]
async fn a_stranger_that_is_not_there_is_forgotten() {
    let mut now = Instant::now();
    let mut book = Book::new(peer(0));
    book.add(Standing::Stranger, Some(peer(1)), address(1), now);
    assert!(book.is_settled(), "nobody waits for strangers");
    for no in 0..STRANGER_TRIES as usize {
        assert_eq!(goals(&mut book, now), [Goal::Peer(peer(1))]);
        book.dialing(Goal::Peer(peer(1)), connection(no));
        book.failed(connection(no), now);
        now += LONGEST_PAUSE * 2;
    }
    assert_eq!(goals(&mut book, now), []);
    assert!(book.entries.is_empty());
}

#[tokio::test(start_paused = true)]
async fn strangers_and_dials_are_bounded() {
    let now = Instant::now();
    let mut book = Book::new(peer(0));
    for no in 0..1000_u16 {
        let mut id = [1; 32];
        id[..2].copy_from_slice(&no.to_be_bytes());
        book.add(Standing::Stranger, Some(PeerId::from_bytes(id)), address(1), now);
    }
    assert_eq!(book.entries.len(), STRANGERS);
    assert_eq!(goals(&mut book, now).len(), DIALS);
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_fails_beside_a_working_connection_changes_nothing() {
    let now = Instant::now();
    let mut book = book_of_two(now);
    book.due(now);
    book.dialing(Goal::Peer(peer(1)), connection(1));
    book.connected_to(peer(1), connection(2), now);
    book.admitted(peer(1), now);
    book.failed(connection(1), now);
    assert_eq!(goals(&mut book, now + LONGEST_PAUSE), []);
    assert_eq!(book.outlook(peer(1), now), Outlook::Open);
}

#[tokio::test(start_paused = true)]
async fn who_failed_a_moment_ago_is_not_waited_for_but_who_was_just_lost_is() {
    let now = Instant::now();
    let mut book = book_of_two(now);
    assert_eq!(book.outlook(peer(9), now), Outlook::Unreachable, "never heard of");
    book.due(now);
    book.connected_to(peer(1), connection(1), now);
    book.admitted(peer(1), now);
    book.closed(peer(1), true, now);
    assert_eq!(book.outlook(peer(1), now), Outlook::Open);
    assert_eq!(goals(&mut book, now), [Goal::Peer(peer(1))], "an ask makes it due");
    book.dialing(Goal::Peer(peer(1)), connection(2));
    book.failed(connection(2), now);
    assert_eq!(book.outlook(peer(1), now), Outlook::Unreachable);
    // A new address is worth a try at once.
    book.member(peer(1), vec![address(2)], now);
    assert_eq!(goals(&mut book, now), [Goal::Peer(peer(1))]);
}
