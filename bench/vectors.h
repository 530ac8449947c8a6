/*
 * vectors.h
 *		The vectors of the bench's provider: made in advance, so that what is
 *		measured is the client.
 *
 * One ring of numbers is kept as text and as base64.  The vector of a text is a
 * slice of it that begins where a hash of the text says, copied in one piece.
 */
#ifndef BENCH_VECTORS_H
#define BENCH_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#define MAX_DIMENSIONS 8192

/* Makes the ring; exits if there is no memory. */
extern void make_ring(void);

/* Where the vector of a text begins: a multiple of 3, for base64's sake. */
extern uint32_t ring_offset(const char *text, size_t length);

/* Most bytes of a vector, brackets or quotes included. */
extern size_t vector_bytes(int dimensions);

/* Write a vector as JSON; return the end. */
extern char *write_numbers(char *out, uint32_t offset, int dimensions);
extern char *write_base64(char *out, uint32_t offset, int dimensions);

/* The numbers themselves. */
extern const float *ring_values(uint32_t offset);

#endif							/* BENCH_VECTORS_H */
