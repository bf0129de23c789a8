#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "conn/tls/tls.h"

static bool add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool ok = e && X509_add_ext(cert, e, -1);

	X509_EXTENSION_free(e);
	return ok;
}

static bool fill(X509 *cert, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(cert);
	uint32_t serial;

	if (RAND_bytes((unsigned char *)&serial, sizeof serial) != 1)
		return false;
	return X509_set_version(cert, X509_VERSION_3) &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial | 1u) &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), 86400) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const unsigned char *)"spate throw-away", -1, -1,
					  0) &&
	       X509_set_issuer_name(cert, name) && X509_set_pubkey(cert, key) &&
	       add_extension(cert, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
	       add_extension(cert, NID_basic_constraints, "critical,CA:TRUE") &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

X509 *sp_tls_throwaway(EVP_PKEY **key)
{
	X509 *cert = X509_new();

	*key = EVP_EC_gen("P-256");
	if (cert && *key && fill(cert, *key))
		return cert;
	X509_free(cert);
	EVP_PKEY_free(*key);
	*key = NULL;
	return NULL;
}
