#include "textflag.h"

// SCAN16 leaves in MASK a bit for each of the 16 bytes at OFF that equals X5, a blank, and adds to X8 those that are special:
// less than a blank as signed numbers, which those above 0x7f are too, or equal to X6 or X7.
#define SCAN16(OFF, MASK) \
	MOVOU OFF(SI), X0; \
	MOVO X0, X1; \
	PCMPEQB X5, X1; \
	PMOVMSKB X1, MASK; \
	MOVO X5, X2; \
	PCMPGTB X0, X2; \
	POR X2, X8; \
	MOVO X0, X3; \
	PCMPEQB X6, X3; \
	POR X3, X8; \
	PCMPEQB X7, X0; \
	POR X0, X8

// func ScanBlock(b *[64]byte) (blanks, special uint64)
TEXT ·ScanBlock(SB), NOSPLIT, $0-24
	MOVQ b+0(FP), SI
	MOVQ $0x2020202020202020, AX
	MOVQ AX, X5
	PUNPCKLQDQ X5, X5
	MOVQ $0x2222222222222222, AX
	MOVQ AX, X6
	PUNPCKLQDQ X6, X6
	MOVQ $0x5c5c5c5c5c5c5c5c, AX
	MOVQ AX, X7
	PUNPCKLQDQ X7, X7
	PXOR X8, X8
	SCAN16(0, AX)
	SCAN16(16, BX)
	SCAN16(32, CX)
	SCAN16(48, DX)
	SHLQ $16, BX
	ORQ BX, AX
	SHLQ $32, CX
	ORQ CX, AX
	SHLQ $48, DX
	ORQ DX, AX
	PMOVMSKB X8, BX
	MOVQ AX, blanks+8(FP)
	MOVQ BX, special+16(FP)
	RET
