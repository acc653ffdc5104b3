//! The national registers that the directory asks: how often, what came of it, and how long ago one last answered.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::{Metrics, count};

/// Which register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Register {
    /// Fastlegeregisteret.
    Gp,
    /// Adresseregisteret.
    Address,
}

impl Register {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Gp => "gp",
            Self::Address => "address",
        }
    }
}

/// What came of asking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegisterAnswer {
    /// Something that can be used.
    Answered,
    /// Nothing.
    Unavailable,
    /// Something that cannot be used.
    Garbled,
}

impl RegisterAnswer {
    const ALL: [Self; 3] = [Self::Answered, Self::Unavailable, Self::Garbled];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Unavailable => "unavailable",
            Self::Garbled => "garbled",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    register: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RegisterLabels {
    register: &'static str,
}

pub(super) struct Registers {
    asked: Family<Labels, Counter>,
    age: Family<RegisterLabels, Gauge>,
    /// When each that there is answered last; at first, when it came to be there.
    answered: Mutex<BTreeMap<Register, Instant>>,
}

impl Registers {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let asked = Family::default();
        registry.register("register_requests", "Requests to a national register, and what came of them", asked.clone());
        let age = Family::default();
        let help = "How long ago a national register last gave an answer that can be used";
        registry.register_with_unit("register_age", help, Unit::Seconds, age.clone());
        Self { asked, age, answered: Mutex::default() }
    }

    pub(super) fn stand(&self) {
        for (register, at) in self.answered.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let labels = RegisterLabels { register: register.as_str() };
            self.age.get_or_create(&labels).set(count(at.elapsed().as_secs()));
        }
    }
}

impl Metrics {
    /// There is such a register: what is said of it begins now.
    pub fn with_register(&self, register: Register) {
        for answer in RegisterAnswer::ALL {
            let labels = Labels { register: register.as_str(), outcome: answer.as_str() };
            drop(self.registers.asked.get_or_create(&labels));
        }
        let mut answered = self.registers.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.entry(register).or_insert_with(Instant::now);
    }

    /// A register was asked.
    pub fn register(&self, register: Register, answer: RegisterAnswer) {
        let labels = Labels { register: register.as_str(), outcome: answer.as_str() };
        self.registers.asked.get_or_create(&labels).inc();
        if answer == RegisterAnswer::Answered {
            let mut answered = self.registers.answered.lock().unwrap_or_else(PoisonError::into_inner);
            answered.insert(register, Instant::now());
        }
    }
}
