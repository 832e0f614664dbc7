//! Promises of the rules as they arrive.

use super::*;

#[test]
fn a_span_that_is_none_is_an_error_of_usage() {
    let args = ForgetArgs { keep_within: Some("soon".to_owned()), ..ForgetArgs::default() };
    let failure = plan(args).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.exit), (codes::USAGE.name, 2));
    assert!(failure.message.contains("1y6m14d12h"), "{}", failure.message);
}

#[test]
fn a_list_without_tags_is_no_rule() {
    let args = ForgetArgs { keep_tags: vec![Vec::new()], ..ForgetArgs::default() };
    assert!(plan(args).unwrap().rules.is_empty());
}
