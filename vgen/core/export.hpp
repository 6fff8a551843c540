// Symbol visibility: everything is hidden except what is marked VGEN_API.
#pragma once
#define VGEN_API __attribute__((visibility("default")))
