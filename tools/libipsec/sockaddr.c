// SPDX-License-Identifier: BSD-2-Clause
/* Socket addresses as they lie in messages: unaligned, sized by family. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "local.h"

/**
 * ipsec_sockaddr_len() - size of an address by its family
 * @family: AF_INET or AF_INET6
 *
 * Return: bytes, 0 for any other family.
 */
size_t ipsec_sockaddr_len(unsigned int family)
{
	switch (family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	default:
		return 0;
	}
}

/**
 * ipsec_sockaddr_prefix() - bits of a host address by its family
 * @family: AF_INET or AF_INET6
 *
 * Return: 32, 128 or 0.
 */
unsigned int ipsec_sockaddr_prefix(unsigned int family)
{
	if (family == AF_INET)
		return 32;
	return family == AF_INET6 ? 128 : 0;
}

/**
 * ipsec_sockaddr_family() - family of an address of any alignment
 * @sa: at least sizeof(sa_family_t) readable bytes
 *
 * Return: the family.
 */
unsigned int ipsec_sockaddr_family(const void *sa)
{
	sa_family_t family;

	memcpy(&family, sa, sizeof(family));
	return family;
}

/**
 * ipsec_sockaddr_port() - port of an address of any alignment
 * @sa: a complete address of a known family
 *
 * Return: the port in host order; both families keep it in one place.
 */
unsigned int ipsec_sockaddr_port(const void *sa)
{
	in_port_t port;

	memcpy(&port, (const char *)sa + offsetof(struct sockaddr_in, sin_port),
	       sizeof(port));
	return ntohs(port);
}

/**
 * ipsec_sockaddr_text() - numeric form of an address, zone included
 * @sa: a complete address of a known family, of any alignment
 * @buf: where the text goes
 * @len: its size, ADDRSTR_LEN is enough
 *
 * Return: @buf; "?" when the address cannot be shown.
 */
const char *ipsec_sockaddr_text(const void *sa, char *buf, size_t len)
{
	struct sockaddr_storage ss = { 0 };
	size_t salen = ipsec_sockaddr_len(ipsec_sockaddr_family(sa));
	char text[ADDRSTR_LEN];

	memcpy(&ss, sa, salen);
	if (!salen || getnameinfo((struct sockaddr *)&ss, salen, text,
				  sizeof(text), NULL, 0, NI_NUMERICHOST))
		strcpy(text, "?");
	/* the zone is the name of a device, which anybody may have chosen */
	ipsec_escape(buf, len, text, strlen(text));
	return buf;
}
