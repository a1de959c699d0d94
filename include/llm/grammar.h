/* libllm: constrained output. A grammar describes the texts that may be generated. During generation every token that
 * would break it is masked out, so that the output follows the grammar whatever the model prefers. Pass one as
 * llm_generate_options.grammar.
 *
 * A completion under a grammar ends with LLM_FINISH_GRAMMAR when its text is complete and nothing may follow, with
 * LLM_FINISH_EOS when the model ended it where the grammar allows an end, and like any other with
 * LLM_FINISH_LENGTH, _CONTEXT, _STOP or _CANCELLED: then the text is a prefix of one that follows the grammar.
 * If no token of the vocabulary fits, it ends with LLM_FINISH_ERROR (LLM_E_UNSUPPORTED), never unconstrained.
 *
 * A grammar may come from an untrusted source, so its cost is limited: nesting 256, 1,000,000 elements, 1,000,000
 * repetitions, 32,768 parses in parallel. Exceeding a limit is an error, LLM_E_LIMIT, from the call that creates the
 * grammar if it can be detected there (as at the start of rules), otherwise at the token that reaches the limit. */
#ifndef LLM_GRAMMAR_H
#define LLM_GRAMMAR_H

#include <llm/tokenizer.h>

LLM_BEGIN_DECLS

/* Immutable; any thread and any number of requests may use it at the same time. It is made for the vocabulary of one
 * tokenizer, to which it holds a reference, and caches what it computes about that vocabulary. */
typedef struct llm_grammar llm_grammar;

/* GBNF, the notation of llama.cpp: rules  name ::= alternatives , of which "root" is the whole. Elements: "text"
 * and [class] or [^class] with the escapes \n \r \t \\ \" \[ \] \- \xHH \uHHHH \UHHHHHHHH; . for any character; names;
 * ( ) groups; | between alternatives; * + ? {n} {n,} {n,m} after an element; # to the end of the line. A rule ends
 * where the next begins. Rules may be recursive, but not left-recursive: a rule must read something before it calls
 * itself.
 * n_bytes may be LLM_NTS. On success *out holds one reference. Errors: LLM_E_FORMAT with line and column,
 * LLM_E_LIMIT, LLM_E_MEMORY. Any thread. Since 0.1. */
LLM_API llm_status llm_grammar_from_gbnf(llm_grammar **out, const llm_tokenizer *tokenizer, const char *text,
                                         size_t n_bytes);

/* JSON Schema, draft 2020-12. Every text is JSON without needless white space (one space may follow "," and ":")
 * that is valid under the schema; properties come in the schema's order, and those not required may be missing.
 *
 *   any type      true and false; type, enum, const; anyOf, allOf, oneOf, not, if with then and else; $ref into the
 *                 document, $defs, recursion included
 *   objects       properties, required, additionalProperties, patternProperties, propertyNames, minProperties,
 *                 maxProperties, dependentRequired, dependentSchemas
 *   arrays        items, prefixItems, minItems, maxItems, contains, minContains, maxContains; uniqueItems if the items
 *                 are an enum, booleans or null
 *   strings       minLength, maxLength, pattern (as llm_grammar_from_regex, but any part of the text may match),
 *                 format: date, time, date-time, duration, uuid, email, idn-email, hostname, idn-hostname, ipv4, ipv6,
 *                 uri, iri, json-pointer. uri accepts non-ASCII characters, as iri does, so that an address can be
 *                 copied as it is. Other formats of the standard are refused; any other name is an annotation.
 *   numbers       minimum, maximum, exclusiveMinimum, exclusiveMaximum, up to 40 digits; multipleOf up to 10,000 or, of
 *                 nine digits after the point, as many times their last one
 *
 * All of these may be combined. A text that would be valid under two branches of a oneOf is never written. An object
 * that lists properties and says nothing about others gets no others. Numbers of enum and const are written as they
 * are spelled. Titles and other annotations are ignored. Where "$schema" names draft 7 or an earlier one, "items" may
 * be a list.
 *
 * Errors name a part by its JSON pointer (#/properties/n): LLM_E_UNSUPPORTED for what is not known, LLM_E_FORMAT for
 * what is not a schema and for a part that nothing can satisfy, LLM_E_LIMIT, LLM_E_MEMORY. Limits: a text of 4 MiB;
 * to combine schemas, 32 MiB of memory and 2^25 steps. Any thread. Since 0.1. */
LLM_API llm_status llm_grammar_from_json_schema(llm_grammar **out, const llm_tokenizer *tokenizer, const char *text,
                                                size_t n_bytes);

/* A regular expression that the whole text matches: characters, . (any but a newline), [classes], \d \w \s \D \W \S
 * (what all dialects agree on: ASCII), \n \t \r \f \v \0 \xHH \uHHHH (also as a surrogate pair) \u{H..}, groups ( )
 * and (?: ) and (?<name> ), |, * + ? {n} {n,} {n,m} (also lazy, which is the same here), ^ and $ at the ends of the
 * whole or of its alternatives. Syntax that dialects read in different ways, or that an automaton cannot match,
 * is LLM_E_UNSUPPORTED and named: POSIX classes [[:alpha:]], "]" as the first of a class, \p{..}, \b, back references,
 * lookaheads and lookbehinds, options such as (?i), possessive quantifiers. Errors: as llm_grammar_from_gbnf. Any
 * thread. Since 0.1. */
LLM_API llm_status llm_grammar_from_regex(llm_grammar **out, const llm_tokenizer *tokenizer, const char *text,
                                          size_t n_bytes);

/* One of n_choices texts, byte for byte; each len may be LLM_NTS. Errors: LLM_E_ARGUMENT for an empty list. Any
 * thread. Since 0.1. */
LLM_API llm_status llm_grammar_from_choices(llm_grammar **out, const llm_tokenizer *tokenizer, const llm_span *choices,
                                            size_t n_choices);

/* Adds or drops a reference; NULL is ignored. Any thread. Since 0.1. */
LLM_API llm_grammar *llm_grammar_ref(llm_grammar *grammar);
LLM_API void llm_grammar_unref(llm_grammar *grammar);

LLM_END_DECLS

#endif
