# SPDX-License-Identifier: GPL-2.0-only
# ipsec.ko: "make help" lists what can be made.

KDIR	?= /lib/modules/$(shell uname -r)/build
PREFIX	?= /usr/local
KERNEL	?=
T	?=
ROUNDS	?=
TIME	?=
SEED	?=

all: modules tools

# Without headers nothing can be built: say what to do instead of how it fails.
modules:
	$(if $(wildcard $(KDIR)/Makefile),,$(error No kernel headers in $(KDIR): \
		apt-get install linux-headers-$(shell uname -r), or KDIR=..., or run: make demo))
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)" modules

tools:
	$(MAKE) -C tools

# Without a key there is nothing to sign with: do not try.
install: all
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)" INSTALL_MOD_PATH="$(DESTDIR)" \
		$(if $(wildcard $(KDIR)/certs/signing_key.pem),,CONFIG_MODULE_SIG_ALL=) \
		modules_install
	$(MAKE) -C tools install PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)"
	install -D -m 644 tools/ipsec.conf "$(DESTDIR)/etc/modprobe.d/ipsec.conf"
	test -n "$(DESTDIR)" || depmod

clean:
	@if test -e "$(KDIR)/Makefile"; then \
		$(MAKE) -C "$(KDIR)" M="$(CURDIR)" clean; fi
	$(MAKE) -C tools clean

# The rest runs in guests, and installs what it needs.
demo:
	@tests/demo/run $(KERNEL)

test:
	@tests/run all

kunit:
	@tests/run kunit

integration:
	@KERNEL="$(KERNEL)" ROUNDS="$(ROUNDS)" tests/run integration $(T)

fuzz:
	@TIME="$(or $(TIME),60)" SEED="$(SEED)" tests/fuzz/run all

soak:
	@KERNEL="$(or $(KERNEL),6.12)" TIME="$(or $(TIME),600)" SEED="$(SEED)" \
		tests/run soak

shell:
	@tests/guest/boot $(or $(KERNEL),uml) /tmp/ipsec-shell 0 shell

check:
	@tests/check/run

bench:
	@tests/bench/run $(or $(KERNEL),6.1)

help:
	@echo "make               the module and setkey; KDIR= chooses the kernel"
	@echo "make modules       ./ipsec.ko"
	@echo "make tools         tools/setkey/setkey, tools/libipsec"
	@echo "make install       both, and /etc/modprobe.d/ipsec.conf; DESTDIR=, PREFIX="
	@echo "make clean         remove what was built here"
	@echo
	@echo "These need no kernel headers and install what they need:"
	@echo "make demo          two hosts in a stock Debian kernel; KERNEL=6.1, 7.3 ..."
	@echo "make test          everything; ends with 'N passed, N failed'"
	@echo "make kunit         the KUnit suites, in seconds"
	@echo "make integration   T='case ...' KERNEL=uml, 6.1, 6.12, 6.12-rt, 7.3 ..."
	@echo "                   T=sock_options ROUNDS=1000000: policies of sockets, so often"
	@echo "make fuzz          TIME=60: seconds, of the parsers and the kernel; SEED=, see tests/README.md"
	@echo "make soak          TIME=600: seconds of everything at once; KERNEL=6.12, 6.1 or uml; SEED="
	@echo "make shell         a prompt in a guest with the module loaded; KERNEL="
	@echo "make check         checkpatch, sparse, who includes whom, warnings"
	@echo "make bench         instructions a packet, beside native XFRM; KERNEL="

.PHONY: all modules tools install clean demo test kunit integration fuzz soak shell check bench help
