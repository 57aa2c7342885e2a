/* SPDX-License-Identifier: GPL-2.0-only */
/* The values behind net.inet.ipsec.*, net.inet6.ipsec6.* and net.key.*. */
#ifndef _IPSEC_KNOBS_H
#define _IPSEC_KNOBS_H

/**
 * struct ipsec_knobs_family - knobs that exist once for each address family
 * @def_policy: 0 discard or 1 none, where no policy matches
 * @esp_trans_deflev: level "default" of ESP transport: 1 use, 2 require
 * @esp_net_deflev: the same for ESP tunnel
 * @ah_trans_deflev: the same for AH transport
 * @ah_net_deflev: the same for AH tunnel
 * @ecn: tunnels and congestion notification: -1 no care, 0 forbidden, 1 allowed
 * @mss_clamp: MSS option of TCP: 0 left alone, 1 no more than what fits when it is
 *             protected, a greater number: nor more than this
 */
struct ipsec_knobs_family {
	int	def_policy;
	int	esp_trans_deflev;
	int	esp_net_deflev;
	int	ah_trans_deflev;
	int	ah_net_deflev;
	int	ecn;
	int	mss_clamp;
};

/**
 * struct ipsec_knobs - all knobs of one network namespace
 * @v4: net.inet.ipsec
 * @v6: net.inet6.ipsec6
 * @ah_cleartos: the type-of-service byte does not enter AH's ICV
 * @ah_offsetmask: bits of the fragment-offset word that enter AH's ICV
 * @dfbit: DF of IPv4 tunnels: 0 clear, 1 set, 2 copy
 * @check_policy_history: received packets must have come through SAs with the
 *                        mode and the ends that the policy says
 * @natt_cksum_policy: checksums in transport mode behind address translation:
 *                     0 the cheap way, 1 computed again
 * @debug: log why packets are dropped; one variable under both trees
 * @key_debug: KAME's bits: those of 0x11 log each request of PF_KEY, the others
 *             nothing
 * @int_random: seconds until KAME's random numbers began anew; the kernel's see to
 *              that themselves, so it has no effect
 * @spi_trycnt: SPIs that GETSPI tries before it gives up
 * @spi_minval: lowest SPI that GETSPI hands out by itself
 * @spi_maxval: highest SPI that GETSPI hands out by itself
 * @larval_lifetime: seconds an SPI waits for its keys
 * @blockacq_count: misses that stay silent after an ACQUIRE, and one more
 * @blockacq_lifetime: seconds after which the next miss sends one in any case
 * @esp_keymin: ciphers whose keys may have so many bits are proposed in ACQUIRE
 * @esp_auth: propose them with each MAC
 * @ah_keymin: MACs whose keys may have so many bits are proposed
 * @preferred_oldsa: 1 the oldest usable SA sends, 0 the newest
 * @max_sa: SAs that there may be, those that are being freed among them
 * @max_sp: entries that the SPD may have
 * @delete_grace: seconds that a deleted SA goes on to receive
 *
 * Every field is an int that sysctl writes and packets read without a lock, by
 * READ_ONCE().
 */
struct ipsec_knobs {
	struct ipsec_knobs_family	v4;
	struct ipsec_knobs_family	v6;
	int				ah_cleartos;
	int				ah_offsetmask;
	int				dfbit;
	int				check_policy_history;
	int				natt_cksum_policy;
	int				debug;
	int				key_debug;
	int				int_random;
	int				spi_trycnt;
	int				spi_minval;
	int				spi_maxval;
	int				larval_lifetime;
	int				blockacq_count;
	int				blockacq_lifetime;
	int				esp_keymin;
	int				esp_auth;
	int				ah_keymin;
	int				preferred_oldsa;
	int				delete_grace;
	int				max_sa;
	int				max_sp;
};

struct net;

void ipsec_knobs_init(const struct net *net, struct ipsec_knobs *knobs);
int ipsec_sysctl_init(struct net *net);
void ipsec_sysctl_exit(struct net *net);
int ipsec_proc_init(struct net *net);
void ipsec_proc_exit(struct net *net);

#endif /* _IPSEC_KNOBS_H */
