//! Every GraphQL document that is sent: one operation with one field of the root each, values in variables alone.

/// A document, and the field of the root that answers it.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The operation's name; also in a header.
    pub name: &'static str,
    /// The field of the root.
    pub field: &'static str,
    /// Whether it only reads: then nothing was handed over, whatever happens.
    pub reads: bool,
    /// The document.
    pub document: &'static str,
}

/// What a patient takes, in pages.
pub const MEDICATIONS: Operation = Operation {
    name: "Medications",
    field: "medications",
    reads: true,
    document: "query Medications($practice: ID!, $patient: NationalId!, $first: Int!, $after: String) { \
        medications(practice: $practice, patient: $patient, first: $first, after: $after) { \
        edges { node { id name form strength atc dosage issued validUntil renewal { rule note } } } \
        pageInfo { hasNextPage endCursor } } }",
};

/// The survey that is open for a patient.
pub const SURVEY: Operation = Operation {
    name: "Survey",
    field: "survey",
    reads: true,
    document: "query Survey($practice: ID!, $patient: NationalId!, $language: Language!) { \
        survey(practice: $practice, patient: $patient, language: $language) { \
        id title questions { id kind text required choices { id text } scale { from to fromText toText } } } }",
};

/// What happened after a change. The post of a decision may be missing where that of others may not: GraphQL wants another
/// name for it.
pub const CHANGES: Operation = Operation {
    name: "Changes",
    field: "changes",
    reads: true,
    document: "query Changes($after: Long!, $wait: Int!, $first: Int!) { \
        changes(after: $after, wait: $wait, first: $first) { through more edges { number node { \
        __typename number at practice \
        ... on PostAdded { thread { ...T } post { ...P } useInstead } \
        ... on ThreadStateChanged { thread { ...T } reason } \
        ... on ThreadOpened { thread { ...T } patient { nationalId } post { ...P } } \
        ... on NoticeSent { notice patient { nationalId } post { ...P } } \
        ... on RenewalDecided { thread { ...T } decisions { key verdict comment } words: post { ...P } } \
        ... on SickNoteIssued { thread { ...T } sickNote { from until degree employer informed } words: post { ...P } } \
        ... on PostFiled { thread { ...T } portalMessage } \
        ... on PostRejected { thread { ...T } portalMessage code text retry } \
        } } } } \
        fragment T on Thread { id kind state } \
        fragment P on Post { id at title text author documents { id name mediaType size } }",
};

/// A document of a practice's post.
pub const DOCUMENT: Operation = Operation {
    name: "Document",
    field: "document",
    reads: true,
    document: "query Document($id: ID!) { document(id: $id) { content } }",
};

/// A new thread.
pub const OPEN_THREAD: Operation = Operation {
    name: "OpenThread",
    field: "openThread",
    reads: false,
    document: "mutation OpenThread($input: OpenThreadInput!) { openThread(input: $input) { thread { id state } } }",
};

/// A further post.
pub const ADD_POST: Operation = Operation {
    name: "AddPost",
    field: "addPost",
    reads: false,
    document: "mutation AddPost($input: AddPostInput!) { addPost(input: $input) { thread { id state } } }",
};

/// The patient takes a thread back.
pub const WITHDRAW_THREAD: Operation = Operation {
    name: "WithdrawThread",
    field: "withdrawThread",
    reads: false,
    document: "mutation WithdrawThread($input: WithdrawThreadInput!) { \
        withdrawThread(input: $input) { thread { id state } } }",
};

/// Answers to a survey.
pub const SUBMIT_SURVEY: Operation = Operation {
    name: "SubmitSurvey",
    field: "submitSurvey",
    reads: false,
    document: "mutation SubmitSurvey($input: SubmitSurveyInput!) { submitSurvey(input: $input) { accepted } }",
};

/// Changes are durable at the gateway.
pub const CONFIRM_CHANGES: Operation = Operation {
    name: "ConfirmChanges",
    field: "confirmChanges",
    reads: false,
    document: "mutation ConfirmChanges($input: ConfirmChangesInput!) { confirmChanges(input: $input) { through } }",
};
