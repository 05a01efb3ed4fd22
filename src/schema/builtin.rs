//! The entities that every store starts with: the schema's own attributes and enumerations, and the contract's vocabulary.

use annals_query::ValueType;

const BASE: i64 = 1 << 32;

/// Entity ids of the built-in attributes.
pub mod attribute {
    use super::BASE;

    /// `:db/ident`: the keyword by which an entity is known.
    pub const IDENT: i64 = BASE + 1;
    /// `:db/valueType`.
    pub const VALUE_TYPE: i64 = BASE + 2;
    /// `:db/cardinality`.
    pub const CARDINALITY: i64 = BASE + 3;
    /// `:db/unique`.
    pub const UNIQUE: i64 = BASE + 4;
    /// `:db/index`.
    pub const INDEX: i64 = BASE + 5;
    /// `:db/isComponent`.
    pub const IS_COMPONENT: i64 = BASE + 6;
    /// `:db/noHistory`.
    pub const NO_HISTORY: i64 = BASE + 7;
    /// `:db/tupleAttrs`.
    pub const TUPLE_ATTRS: i64 = BASE + 8;
    /// `:db/tupleTypes`.
    pub const TUPLE_TYPES: i64 = BASE + 9;
    /// `:db/tupleType`.
    pub const TUPLE_TYPE: i64 = BASE + 10;
    /// `:db.attr/preds`.
    pub const ATTR_PREDS: i64 = BASE + 11;
    /// `:db.entity/attrs`.
    pub const ENTITY_ATTRS: i64 = BASE + 12;
    /// `:db.entity/preds`.
    pub const ENTITY_PREDS: i64 = BASE + 13;
    /// `:db/placement`.
    pub const PLACEMENT: i64 = BASE + 14;
    /// `:db/sequenceWithin`.
    pub const SEQUENCE_WITHIN: i64 = BASE + 15;
    /// `:db/doc`.
    pub const DOC: i64 = BASE + 16;
    /// `:db/txInstant`.
    pub const TX_INSTANT: i64 = BASE + 17;
    /// `:db/ensure`: asks for a check; never stored.
    pub const ENSURE: i64 = BASE + 18;
    /// `:db/fulltext`: its texts are found by their words.
    pub const FULLTEXT: i64 = BASE + 19;
    /// The last id that schema attributes use.
    pub const LAST_OF_SCHEMA: i64 = BASE + 19;

    /// `:run/id`.
    pub const RUN_ID: i64 = BASE + 100;
    /// `:run/name`.
    pub const RUN_NAME: i64 = BASE + 101;
    /// `:run/mode`.
    pub const RUN_MODE: i64 = BASE + 102;
    /// `:run/status`.
    pub const RUN_STATUS: i64 = BASE + 103;
    /// `:run/project-path`.
    pub const RUN_PROJECT_PATH: i64 = BASE + 104;
    /// `:run/created-at`.
    pub const RUN_CREATED_AT: i64 = BASE + 105;
    /// `:run/finished-at`.
    pub const RUN_FINISHED_AT: i64 = BASE + 106;
    /// `:run/parent`.
    pub const RUN_PARENT: i64 = BASE + 107;
    /// `:run/command`.
    pub const RUN_COMMAND: i64 = BASE + 108;
    /// `:run/exit-code`.
    pub const RUN_EXIT_CODE: i64 = BASE + 109;
    /// `:run/signal`.
    pub const RUN_SIGNAL: i64 = BASE + 110;
    /// `:run/duration-us`.
    pub const RUN_DURATION_US: i64 = BASE + 111;
    /// `:run/host`.
    pub const RUN_HOST: i64 = BASE + 112;
    /// `:run/pid`.
    pub const RUN_PID: i64 = BASE + 113;
    /// `:run/process-start`.
    pub const RUN_PROCESS_START: i64 = BASE + 114;
    /// `:run/os`.
    pub const RUN_OS: i64 = BASE + 115;
    /// `:run/arch`.
    pub const RUN_ARCH: i64 = BASE + 116;
    /// `:run/error`.
    pub const RUN_ERROR: i64 = BASE + 117;

    /// `:log/run`.
    pub const LOG_RUN: i64 = BASE + 130;
    /// `:log/seq`.
    pub const LOG_SEQ: i64 = BASE + 131;
    /// `:log/ts`.
    pub const LOG_TS: i64 = BASE + 132;
    /// `:log/level`.
    pub const LOG_LEVEL: i64 = BASE + 133;
    /// `:log/message`.
    pub const LOG_MESSAGE: i64 = BASE + 134;
    /// `:log/stream`.
    pub const LOG_STREAM: i64 = BASE + 135;
    /// `:log/bytes`.
    pub const LOG_BYTES: i64 = BASE + 136;
    /// `:log/partial`.
    pub const LOG_PARTIAL: i64 = BASE + 137;

    /// `:state/id`.
    pub const STATE_ID: i64 = BASE + 150;
    /// `:state/namespace`.
    pub const STATE_NAMESPACE: i64 = BASE + 151;
    /// `:state/key`.
    pub const STATE_KEY: i64 = BASE + 152;
    /// `:state/value`.
    pub const STATE_VALUE: i64 = BASE + 153;

    /// The first id that an attribute of the user's gets.
    pub const FIRST_OF_USER: i64 = BASE + 1000;
}

/// Entity ids of the built-in enumerations.
pub mod ident {
    use super::{BASE, ValueType};

    /// `:db.cardinality/one`.
    pub const CARDINALITY_ONE: i64 = BASE + 20;
    /// `:db.cardinality/many`.
    pub const CARDINALITY_MANY: i64 = BASE + 21;
    /// `:db.unique/identity`.
    pub const UNIQUE_IDENTITY: i64 = BASE + 22;
    /// `:db.unique/value`.
    pub const UNIQUE_VALUE: i64 = BASE + 23;
    /// `:db.placement/own`.
    pub const PLACEMENT_OWN: i64 = BASE + 24;
    /// `:db.placement/with-value`.
    pub const PLACEMENT_WITH_VALUE: i64 = BASE + 25;
    /// `:db.placement/state`.
    pub const PLACEMENT_STATE: i64 = BASE + 26;
    /// The entity of a value type is this plus its code.
    pub const TYPE_BASE: i64 = BASE + 30;

    /// The value type that this entity stands for.
    pub fn value_type(entity: i64) -> Option<ValueType> {
        ValueType::from_code(u8::try_from(entity.checked_sub(TYPE_BASE)?).ok()?)
    }
}

/// One built-in entity. An entry without `cardinality` is an enumeration.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// Its entity id.
    pub id: i64,
    /// Its keyword, without colon.
    pub ident: &'static str,
    /// Its type, for an attribute.
    pub value_type: Option<ValueType>,
    /// `CARDINALITY_ONE` or `CARDINALITY_MANY`, for an attribute.
    pub cardinality: Option<i64>,
    /// Further facts about it that are references: unique, placement, sequence.
    pub references: &'static [(i64, i64)],
    /// `:db/tupleAttrs`.
    pub tuple_attributes: &'static [&'static str],
    /// `:db/doc`.
    pub doc: &'static str,
}

const fn enumeration(id: i64, ident: &'static str) -> Builtin {
    Builtin { id, ident, value_type: None, cardinality: None, references: &[], tuple_attributes: &[], doc: "" }
}

const fn one(id: i64, ident: &'static str, value_type: ValueType, doc: &'static str) -> Builtin {
    let cardinality = Some(ident::CARDINALITY_ONE);
    Builtin { id, ident, value_type: Some(value_type), cardinality, references: &[], tuple_attributes: &[], doc }
}

const fn many(id: i64, ident: &'static str, value_type: ValueType, doc: &'static str) -> Builtin {
    Builtin { cardinality: Some(ident::CARDINALITY_MANY), ..one(id, ident, value_type, doc) }
}

const fn with(references: &'static [(i64, i64)], builtin: Builtin) -> Builtin {
    Builtin { references, ..builtin }
}

use ValueType::{Boolean, Bytes, Instant, Keyword, Long, Ref, String, Symbol, Tuple};
use attribute as a;

/// What transaction 1 of every store says, beside its instant. Ids never change; entries may be added by a later migration.
pub const GENESIS: &[Builtin] = &[
    with(&[(a::UNIQUE, ident::UNIQUE_IDENTITY)], one(a::IDENT, "db/ident", Keyword, "The keyword by which an entity is known")),
    one(a::VALUE_TYPE, "db/valueType", Ref, "The type that values of this attribute must have"),
    one(a::CARDINALITY, "db/cardinality", Ref, "One value an entity, or many"),
    one(a::UNIQUE, "db/unique", Ref, "A value leads to at most one entity: identity merges, value refuses"),
    one(a::INDEX, "db/index", Boolean, "Values lead to entities through an index"),
    one(a::IS_COMPONENT, "db/isComponent", Boolean, "What it refers to is part of the entity and goes with it"),
    one(a::NO_HISTORY, "db/noHistory", Boolean, "The past of this attribute is of no interest"),
    one(a::TUPLE_ATTRS, "db/tupleAttrs", Tuple, "The value is composed of the values of these attributes"),
    one(a::TUPLE_TYPES, "db/tupleTypes", Tuple, "The types of the places of a tuple"),
    one(a::TUPLE_TYPE, "db/tupleType", Keyword, "The one type of all places of a tuple"),
    many(a::ATTR_PREDS, "db.attr/preds", Symbol, "Predicates that a value must satisfy"),
    many(a::ENTITY_ATTRS, "db.entity/attrs", Keyword, "Attributes that an entity must have when ensured"),
    many(a::ENTITY_PREDS, "db.entity/preds", Symbol, "Predicates that an entity must satisfy when ensured"),
    one(a::PLACEMENT, "db/placement", Ref, "In which partition a new entity with this attribute lies"),
    one(a::SEQUENCE_WITHIN, "db/sequenceWithin", Ref, "Values count 1, 2, 3 among entities that share a value of that attribute"),
    one(a::DOC, "db/doc", String, "What it is, for people"),
    one(a::TX_INSTANT, "db/txInstant", Instant, "When the transaction was committed"),
    one(a::ENSURE, "db/ensure", Ref, "Asks for the checks of an entity specification; never stored"),
    one(a::FULLTEXT, "db/fulltext", Boolean, "Its texts are found by their words"),
    enumeration(ident::CARDINALITY_ONE, "db.cardinality/one"),
    enumeration(ident::CARDINALITY_MANY, "db.cardinality/many"),
    enumeration(ident::UNIQUE_IDENTITY, "db.unique/identity"),
    enumeration(ident::UNIQUE_VALUE, "db.unique/value"),
    enumeration(ident::PLACEMENT_OWN, "db.placement/own"),
    enumeration(ident::PLACEMENT_WITH_VALUE, "db.placement/with-value"),
    enumeration(ident::PLACEMENT_STATE, "db.placement/state"),
    enumeration(ident::TYPE_BASE + 1, "db.type/ref"),
    enumeration(ident::TYPE_BASE + 2, "db.type/boolean"),
    enumeration(ident::TYPE_BASE + 3, "db.type/long"),
    enumeration(ident::TYPE_BASE + 4, "db.type/bigint"),
    enumeration(ident::TYPE_BASE + 5, "db.type/double"),
    enumeration(ident::TYPE_BASE + 6, "db.type/bigdec"),
    enumeration(ident::TYPE_BASE + 7, "db.type/instant"),
    enumeration(ident::TYPE_BASE + 8, "db.type/uuid"),
    enumeration(ident::TYPE_BASE + 9, "db.type/keyword"),
    enumeration(ident::TYPE_BASE + 10, "db.type/symbol"),
    enumeration(ident::TYPE_BASE + 11, "db.type/string"),
    enumeration(ident::TYPE_BASE + 12, "db.type/uri"),
    enumeration(ident::TYPE_BASE + 13, "db.type/bytes"),
    enumeration(ident::TYPE_BASE + 14, "db.type/tuple"),
    with(
        &[(a::UNIQUE, ident::UNIQUE_IDENTITY), (a::PLACEMENT, ident::PLACEMENT_OWN)],
        one(a::RUN_ID, "run/id", String, "The id of a run, a UUID of version 7"),
    ),
    one(a::RUN_NAME, "run/name", String, "What people call the run"),
    one(a::RUN_MODE, "run/mode", Keyword, "How it was recorded or executed, such as :exec or :manual"),
    one(a::RUN_STATUS, "run/status", Keyword, ":running, :succeeded, :failed, :cancelled or another"),
    one(a::RUN_PROJECT_PATH, "run/project-path", String, "The folder it worked in"),
    one(a::RUN_CREATED_AT, "run/created-at", Instant, "When it began"),
    one(a::RUN_FINISHED_AT, "run/finished-at", Instant, "When it ended"),
    one(a::RUN_PARENT, "run/parent", Ref, "The run inside which it was started"),
    one(a::RUN_COMMAND, "run/command", String, "The command line, quoted as a shell reads it"),
    one(a::RUN_EXIT_CODE, "run/exit-code", Long, "The exit code of the program"),
    one(a::RUN_SIGNAL, "run/signal", Long, "The signal that ended the program"),
    one(a::RUN_DURATION_US, "run/duration-us", Long, "How long the program ran, in microseconds of a steady clock"),
    one(a::RUN_HOST, "run/host", String, "The machine it ran on"),
    one(a::RUN_PID, "run/pid", Long, "The process that recorded it"),
    one(
        a::RUN_PROCESS_START,
        "run/process-start",
        Long,
        "When that process began, as the kernel counts, so that a reused id is told apart",
    ),
    one(a::RUN_OS, "run/os", String, "The operating system"),
    one(a::RUN_ARCH, "run/arch", String, "The processor's architecture"),
    one(a::RUN_ERROR, "run/error", String, "Why it could not be run or recorded"),
    with(&[(a::PLACEMENT, ident::PLACEMENT_WITH_VALUE)], one(a::LOG_RUN, "log/run", Ref, "The run that said this line")),
    with(&[(a::SEQUENCE_WITHIN, a::LOG_RUN)], one(a::LOG_SEQ, "log/seq", Long, "The number of the line in its run: 1, 2, 3")),
    one(a::LOG_TS, "log/ts", Instant, "When the line was said"),
    one(a::LOG_LEVEL, "log/level", Keyword, ":trace, :debug, :info, :warn, :error or another"),
    one(a::LOG_MESSAGE, "log/message", String, "The line, with what is not UTF-8 replaced"),
    one(a::LOG_STREAM, "log/stream", Keyword, ":stdout or :stderr, for a line that a program wrote"),
    one(a::LOG_BYTES, "log/bytes", Bytes, "The exact bytes of a line that is not UTF-8"),
    one(a::LOG_PARTIAL, "log/partial", Boolean, "True if no newline ended it: a piece of a line, or the end of the output"),
    Builtin {
        references: &[(a::UNIQUE, ident::UNIQUE_IDENTITY)],
        tuple_attributes: &["state/namespace", "state/key"],
        ..one(a::STATE_ID, "state/id", Tuple, "Namespace and key of a state together")
    },
    with(
        &[(a::PLACEMENT, ident::PLACEMENT_STATE)],
        one(a::STATE_NAMESPACE, "state/namespace", String, "The namespace of a state"),
    ),
    one(a::STATE_KEY, "state/key", String, "The key of a state"),
    Builtin { value_type: None, ..one(a::STATE_VALUE, "state/value", String, "The value of a state, of any type") },
];
