/*
 * kernel_undefine.h
 *		Makes room for the next precision after the templates.
 */
#undef INPUT_TYPE
#undef ATTENTION_TYPE
#undef Sum
#undef SUM_ZERO
#undef NPARTS
#undef ROW_PART
#undef PANEL_PART
#undef SUM_ADD
#undef CHAIN_WORDS
#undef SUM_PUT
#undef KERNEL
#undef PANEL_COLUMNS
#undef WORD_BYTES
