# SPDX-License-Identifier: GPL-2.0-only
# The module is loaded and unloaded around every run; this case adds nothing to
# that, for runs that want only the KUnit suites.
ok "the module is loaded and unloaded"
