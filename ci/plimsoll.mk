# For Makefiles: `include ci/plimsoll.mk`, then `make plimsoll-check IMAGE=oci:build/image`.
PLIMSOLL ?= plimsoll
PLIMSOLL_POLICY ?= baseline

.PHONY: plimsoll-lint plimsoll-check

plimsoll-lint:
	$(PLIMSOLL) lint .

plimsoll-check:
	$(PLIMSOLL) check "$(IMAGE)" --policy "$(PLIMSOLL_POLICY)" -o text -o html=plimsoll.html
