//! Who is asked, for how long, and what becomes of programs that changed: as a person has chosen it.

use super::Consent;
use crate::account::Account;
use crate::caller::Caller;
use crate::error::{Error, Unasked};
use crate::vault::protection::Protection;
use keybearer_protocol::settings::{
    Approval, ChangedPrograms, LONGEST_ANSWER_TIME, SHORTEST_ANSWER_TIME, USUAL_ANSWER_TIME,
};
use std::time::Duration;

impl Consent {
    /// Who is asked, about accounts that have no choice of their own.
    pub async fn approval(&self) -> Result<Approval, Error> {
        let (approval, asked_before) = self.known(|known| (known.approval, known.asked_before)).await?;
        // What a person chose in the window counts; what nobody chose is careful from the first desktop on.
        Ok(if self.state().asks && !asked_before { Approval::Ask } else { approval })
    }

    /// Changes who is asked; less care only on the prompter's connection.
    pub async fn set_approval(&self, caller: &Caller, approval: Approval) -> Result<(), Error> {
        if approval == Approval::SameUser {
            self.check_weakening(caller).await?;
        }
        // What a person has chosen is known as that from now on.
        let asked_before = self.state().asks;
        self.change(|protection| {
            protection.approval = approval;
            protection.asked_before |= asked_before;
        })
        .await
    }

    /// What was chosen for this account alone, if something was.
    pub async fn approval_of(&self, account: &Account) -> Result<Option<Approval>, Error> {
        let of = |known: &Protection| (known.approvals.get(account.id()).copied(), known.asked_before);
        let (approval, asked_before) = self.known(of).await?;
        let is_chosen = asked_before || !self.state().asks;
        Ok(approval.filter(|approval| is_chosen || *approval == Approval::Ask))
    }

    /// Changes who is asked about this account; whoever is to be asked less needs a person for it, as soon as there was one to
    /// ask. Without a choice of its own it is asked about like all others.
    pub async fn set_approval_of(
        &self,
        caller: &Caller,
        account: &Account,
        approval: Option<Approval>,
    ) -> Result<(), Error> {
        if approval != Some(Approval::Ask) && self.has_asked().await? {
            self.check_prompter(caller)?;
        }
        self.change(|protection| {
            match approval {
                Some(approval) => protection.approvals.insert(account.id().to_owned(), approval),
                None => protection.approvals.remove(account.id()),
            };
        })
        .await
    }

    /// Whether there ever was a desktop to ask people.
    async fn has_asked(&self) -> Result<bool, Error> {
        let asked_before = self.known(|known| known.asked_before).await?;
        Ok(asked_before || self.state().asks)
    }

    /// Whether a person has a say in what this caller gets; an error if it gets nothing in any case.
    pub(super) async fn asks(&self, caller: &Caller, account: &Account) -> Result<bool, Error> {
        let approval = match self.approval_of(account).await? {
            Some(approval) => approval,
            None => self.approval().await?,
        };
        self.lock.check()?;
        match approval {
            Approval::Ask => Ok(true),
            Approval::SameUser if caller.view.foreign => Err(Error::ConsentRequired(Unasked::Foreign)),
            Approval::SameUser => Ok(false),
        }
    }

    /// What is done where an answer for good was for another content of the program's file.
    pub async fn changed_programs(&self) -> Result<ChangedPrograms, Error> {
        self.known(|known| known.changed_programs).await
    }

    /// Changes it; to ask again only on the prompter's connection.
    pub async fn set_changed_programs(&self, caller: &Caller, choice: ChangedPrograms) -> Result<(), Error> {
        if choice == ChangedPrograms::Ask {
            self.check_weakening(caller).await?;
        }
        self.change(|protection| protection.changed_programs = choice).await
    }

    /// How long a person may take to answer.
    pub async fn answer_time(&self) -> Result<Duration, Error> {
        let chosen = self.known(|known| known.answer_within_secs).await?;
        let secs = chosen.unwrap_or(USUAL_ANSWER_TIME).clamp(SHORTEST_ANSWER_TIME, LONGEST_ANSWER_TIME);
        Ok(Duration::from_secs(secs.into()))
    }

    /// Changes it, for what is asked from now on. No answer is a no, however long it is waited for.
    pub async fn set_answer_time(&self, secs: u32) -> Result<(), Error> {
        self.change(|protection| protection.answer_within_secs = Some(secs)).await
    }
}
