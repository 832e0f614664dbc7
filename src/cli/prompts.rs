//! Questions. Asked only at a terminal; without one, the failure names the flag that answers it.

use dialoguer::{Input, Password};

use crate::api::setup::Secret;
use crate::api::{Failure, codes};
use crate::cli::shell::Shell;

/// A question, and the flag that would answer it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// As shown.
    pub(crate) text: &'a str,
    /// As named in the failure, like `--name NAME`.
    pub(crate) flag: &'a str,
    /// The answer of who just presses Enter; may be empty.
    pub(crate) default: Option<&'a str>,
}

/// Whoever answers.
pub(crate) trait Ask {
    /// Whether anybody does.
    fn present(&self) -> bool;
    /// A line of text.
    fn text(&mut self, question: Question<'_>) -> Result<String, Failure>;
    /// A line that is not shown while typed.
    fn secret(&mut self, question: Question<'_>) -> Result<Secret, Failure>;
}

/// A person at the terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    /// Defaults are taken without asking: `--yes`.
    pub(crate) yes: bool,
}

impl Ask for Person {
    fn present(&self) -> bool {
        true
    }

    fn text(&mut self, question: Question<'_>) -> Result<String, Failure> {
        let input = Input::<String>::new().with_prompt(question.text);
        let input = match question.default {
            Some(default) if self.yes => return Ok(default.to_owned()),
            Some("") => input.allow_empty(true),
            Some(default) => input.default(default.to_owned()),
            None => input,
        };
        input.interact_text().map_err(|_closed| unanswered(question))
    }

    fn secret(&mut self, question: Question<'_>) -> Result<Secret, Failure> {
        let typed = Password::new().with_prompt(question.text).interact();
        typed.map(Secret::new).map_err(|_closed| unanswered(question))
    }
}

/// No terminal: every question without an answer is a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nobody;

impl Ask for Nobody {
    fn present(&self) -> bool {
        false
    }

    fn text(&mut self, question: Question<'_>) -> Result<String, Failure> {
        Err(unanswered(question))
    }

    fn secret(&mut self, question: Question<'_>) -> Result<Secret, Failure> {
        Err(unanswered(question))
    }
}

/// Goes on only when the user says yes, by `--yes` or when asked; any other answer is no.
pub(crate) fn confirmed(
    question: Question<'_>,
    yes: bool,
    shell: &mut Shell<'_>,
) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let answer = shell.ask.text(question)?;
    let agreed = ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str());
    agreed.then_some(()).ok_or_else(|| codes::QUESTION.failure("Nothing was changed"))
}

/// Names the flag.
pub(crate) fn unanswered(question: Question<'_>) -> Failure {
    let (text, flag) = (question.text, question.flag);
    codes::QUESTION.failure(format!("No terminal to ask \"{text}\" at; answer it with {flag}"))
}
