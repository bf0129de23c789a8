# For people who type make; meson and ninja do the work. See CONTRIBUTING.md.
#   make               build/spate
#   make run           set-up, build, and a first measurement in a lab of two hosts
#   make test          every test (installs the packages that tests need)
#   make quick         gcc build, unit tests, layers: between two edits
#   make bench         spate against its peers
#   make install       [PREFIX=/usr/local] [DESTDIR=]
MAKEFLAGS += --no-print-directory
JOBS := $(shell nproc)

.PHONY: all run test quick bench lint format clean install

all: build/build.ninja
	@ninja -C build -j $(JOBS)

build/build.ninja:
	@tools/setup build
	@meson setup build

run: all
	@tools/demo

test:
	@tools/setup build test
	@tools/run-tests

quick:
	@tools/run-tests quick

bench: all
	@tools/setup bench
	@tools/bench

lint: all
	@tools/run-tests layers headers format globals pure

format:
	@tools/check-format -i

clean:
	rm -rf build build-clang build-asan

install: all
	@$(if $(PREFIX),meson configure build -Dprefix=$(PREFIX))
	@meson install -C build
