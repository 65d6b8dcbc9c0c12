#pragma once
#include <iconv.h>
#include <unistr.h>
#include <unicase.h>
#include <uninorm.h>
#include <unictype.h>
#include <uniwidth.h>
#include <idn2.h>

// The normal forms are addresses of incomplete structures, which Swift cannot take.
static inline uninorm_t po_nfc(void) { return UNINORM_NFC; }
static inline uninorm_t po_nfd(void) { return UNINORM_NFD; }
static inline uninorm_t po_nfkc(void) { return UNINORM_NFKC; }
static inline uninorm_t po_nfkd(void) { return UNINORM_NFKD; }
