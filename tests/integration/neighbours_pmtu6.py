#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What neighbours_pmtu does, with outer packets of IPv6."""
import lab
import neighbours_pmtu

lab.main(lambda: neighbours_pmtu.body(6))
