#pragma once
#include <iconv.h>
#include <unistr.h>
#include <unicase.h>
#include <uninorm.h>
#include <unictype.h>
#include <uniwidth.h>
#include <idn2.h>
