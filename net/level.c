// SPDX-License-Identifier: GPL-2.0-only
/* What the level "default" means right now (ipsec(4), net.inet.ipsec.*_deflev). */
#include <linux/in.h>
#include <ipsec/netns.h>
#include "net.h"

/**
 * ipsec_level_resolve() - the effective level of a request
 * @knobs: the knobs of the packet's address family
 * @req: the request
 *
 * "default" is resolved at each use, so that a knob acts on policies that are
 * already loaded. IPComp protects nothing: its default is always "use".
 *
 * Return: IPSEC_LEVEL_IS_USE, _REQUIRE or _UNIQUE.
 */
enum ipsec_level ipsec_level_resolve(const struct ipsec_knobs_family *knobs,
				     const struct ipsec_request *req)
{
	bool tunnel = req->mode == IPSEC_MODE_KIND_TUNNEL;

	if (req->level != IPSEC_LEVEL_IS_DEFAULT)
		return req->level;
	switch (req->proto) {
	case IPPROTO_ESP:
		return tunnel ? READ_ONCE(knobs->esp_net_deflev) :
				READ_ONCE(knobs->esp_trans_deflev);
	case IPPROTO_AH:
		return tunnel ? READ_ONCE(knobs->ah_net_deflev) :
				READ_ONCE(knobs->ah_trans_deflev);
	default:
		return IPSEC_LEVEL_IS_USE;
	}
}
