// Signs and verifies images in OCI layouts with the libraries that the notation command is made of, and verifies
// signatures of files.
//
//	notation-peer sign LAYOUT REFERENCE KEY CHAIN MEDIA-TYPE SCHEME [SIGNED-AT [EXPIRY]]
//	notation-peer verify LAYOUT REFERENCE CONFIG
//	notation-peer verify-file FILE ENVELOPE MEDIA-TYPE
//
// REFERENCE is NAME@DIGEST; KEY and CHAIN are PEM files, times RFC 3339, CONFIG has trustpolicy.json and truststore/.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"log"
	"os"
	"strings"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	_ "github.com/notaryproject/notation-core-go/signature/cose"
	_ "github.com/notaryproject/notation-core-go/signature/jws"
	corex509 "github.com/notaryproject/notation-core-go/x509"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/dir"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/signer"
	"github.com/notaryproject/notation-go/verifier"
)

const payloadType = "application/vnd.cncf.notary.payload.v1+json"

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func sign(repository registry.Repository, reference string, arguments []string) {
	ctx := context.Background()
	key, chain, mediaType, scheme, times := arguments[0], arguments[1], arguments[2], arguments[3], arguments[4:]
	if len(times) == 0 && scheme == string(signature.SigningSchemeX509) {
		options := notation.SignOptions{ArtifactReference: reference, UserMetadata: map[string]string{"build": "7"}}
		options.SignatureMediaType = mediaType
		must(notation.Sign(ctx, must(signer.NewFromFiles(key, chain)), repository, options))
		return
	}
	_, digest, _ := strings.Cut(reference, "@")
	target := must(repository.Resolve(ctx, digest))
	payload := must(json.Marshal(map[string]any{"targetArtifact": target}))
	certificates := must(corex509.ReadCertificateFile(chain))
	pair := must(tls.LoadX509KeyPair(chain, key))
	request := &signature.SignRequest{
		Payload:       signature.Payload{ContentType: payloadType, Content: payload},
		Signer:        must(signature.NewLocalSigner(certificates, pair.PrivateKey)),
		SigningTime:   time.Now().Truncate(time.Second),
		SigningScheme: signature.SigningScheme(scheme),
	}
	if len(times) > 0 {
		request.SigningTime = must(time.Parse(time.RFC3339, times[0]))
	}
	if len(times) > 1 {
		request.Expiry = must(time.Parse(time.RFC3339, times[1]))
	}
	envelope := must(must(signature.NewEnvelope(mediaType)).Sign(request))
	thumbprints := []string{}
	for _, certificate := range certificates {
		sum := sha256.Sum256(certificate.Raw)
		thumbprints = append(thumbprints, hex.EncodeToString(sum[:]))
	}
	annotations := map[string]string{"io.cncf.notary.x509chain.thumbprint#S256": string(must(json.Marshal(thumbprints)))}
	if _, _, err := repository.PushSignature(ctx, mediaType, envelope, target, annotations); err != nil {
		log.Fatal(err)
	}
}

// Verifies what is in an envelope over a file; whom to trust is not asked.
func verifyFile(file, envelope, mediaType string) {
	content := must(must(signature.ParseEnvelope(mediaType, must(os.ReadFile(envelope)))).Verify())
	var payload struct {
		TargetArtifact struct {
			MediaType, Digest string
			Size              int
		}
	}
	if err := json.Unmarshal(content.Payload.Content, &payload); err != nil {
		log.Fatal(err)
	}
	bytes := must(os.ReadFile(file))
	sum := sha256.Sum256(bytes)
	target := payload.TargetArtifact
	if content.Payload.ContentType != payloadType || target.Size != len(bytes) || target.Digest != "sha256:"+hex.EncodeToString(sum[:]) {
		log.Fatalf("the envelope is over %+v", target)
	}
}

func main() {
	log.SetFlags(0)
	if os.Args[1] == "verify-file" {
		verifyFile(os.Args[2], os.Args[3], os.Args[4])
		return
	}
	repository := must(registry.NewOCIRepository(os.Args[2], registry.RepositoryOptions{}))
	switch os.Args[1] {
	case "sign":
		sign(repository, os.Args[3], os.Args[4:])
	case "verify":
		dir.UserConfigDir = os.Args[4]
		options := notation.VerifyOptions{ArtifactReference: os.Args[3], MaxSignatureAttempts: 50}
		if _, _, err := notation.Verify(context.Background(), must(verifier.NewFromConfig()), repository, options); err != nil {
			log.Fatal(err)
		}
	default:
		log.Fatalf("%q: expected sign or verify", os.Args[1])
	}
}
