//! Who calls, for whom, and how they show it.
//!
//! - [`possession`]: a token is of use to whom it was issued, for the request that was signed, once.
//! - [`representing`]: acting for another, with the issuer's word and not without.
//! - [`walk`]: every route that the document has, as somebody who may not.

mod possession;
mod representing;
mod walk;
