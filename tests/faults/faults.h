/* Functions of the system, each of which can be made to fail: the program's own definitions stand before those of the C
 * library for every library that it loads (PCRE2, utf8proc, OpenBLAS included). */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdbool.h>

#include <llm/status.h>

/* From now on call number n (from 0) fails; all: every later one too. n -1: none. Counting and tracking begin anew. */
void faults_arm(long n, bool all);
void faults_disarm(void);

/* Since it was armed: calls, the function that failed first (NULL: none did), and whether one failed that should lead
 * to this status. */
long faults_calls(void);
const char *faults_failed(void);
bool faults_explain(llm_status status);

/* Allocations that were made since it was armed and are not freed. */
long faults_unfreed(void);

#endif
