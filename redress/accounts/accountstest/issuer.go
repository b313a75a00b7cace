package accountstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// Issuer is a provider of identities (OpenID Connect) on loopback that says whatever a test wants.
type Issuer struct {
	Address      string
	ClientID     string
	ClientSecret string
	// Claims go into ID tokens, over what belongs there.
	Claims map[string]any
	// Asked is what the last browser was sent with.
	Asked url.Values
	// Forge signs ID tokens as none may: key, none or HS256.
	Forge string
	// Down: nothing is answered.
	Down bool

	server *httptest.Server
	key    *ecdsa.PrivateKey
	codes  map[string]url.Values // what each code was asked for with
}

// NewIssuer starts one that ends with the test.
func NewIssuer(t *testing.T) *Issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &Issuer{ClientID: "recourse", ClientSecret: "a secret of the test", key: key, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	i.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.Down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(i.server.Close)
	i.Address = i.server.URL
	return i
}

// Client trusts the issuer's certificate, and follows nobody.
func (i *Issuer) Client() *http.Client {
	client := i.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

// Consent is a person who lets the browser in at the address, and what the browser then brings back.
func (i *Issuer) Consent(t *testing.T, address string) url.Values {
	t.Helper()
	reply, err := i.Client().Get(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := reply.Body.Close(); err != nil {
		t.Fatal(err)
	}
	to, err := reply.Location()
	if err != nil {
		t.Fatalf("%s: %v", reply.Status, err)
	}
	return to.Query()
}

func sayJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the client has gone
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	sayJSON(w, map[string]any{
		"issuer": i.Address, "authorization_endpoint": i.Address + "/authorize", "token_endpoint": i.Address + "/token", "jwks_uri": i.Address + "/keys",
		"id_token_signing_alg_values_supported": []string{"ES256"}, "authorization_response_iss_parameter_supported": true,
	})
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	point, err := i.key.PublicKey.Bytes()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	encode := base64.RawURLEncoding.EncodeToString
	sayJSON(w, map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "1", "x": encode(point[1:33]), "y": encode(point[33:])}}})
}

func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	i.Asked = r.URL.Query()
	code := rand.Text()
	i.codes[code] = i.Asked
	answer := url.Values{"code": {code}, "state": {i.Asked.Get("state")}, "iss": {i.Address}}
	http.Redirect(w, r, i.Asked.Get("redirect_uri")+"?"+answer.Encode(), http.StatusFound)
}

// token takes a code once, and with the verifier that belongs to it.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	asked, known := i.codes[r.PostFormValue("code")]
	delete(i.codes, r.PostFormValue("code"))
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	name, secret, _ := r.BasicAuth()
	if !known || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]) || name != i.ClientID || secret != url.QueryEscape(i.ClientSecret) {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	claims := map[string]any{"iss": i.Address, "aud": i.ClientID, "exp": time.Now().Add(time.Minute).Unix(), "iat": time.Now().Unix(), "nonce": asked.Get("nonce")}
	maps.Copy(claims, i.Claims)
	signed, err := i.sign(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sayJSON(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": signed})
}

func (i *Issuer) sign(claims map[string]any) (string, error) {
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	algorithm := "ES256"
	if i.Forge == "none" || i.Forge == "HS256" {
		algorithm = i.Forge
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"`+algorithm+`","kid":"1"}`)) + "." + encode(body)
	digest := sha256.Sum256([]byte(text))
	key := i.key
	switch i.Forge {
	case "none":
		return text + ".", nil
	case "HS256":
		mac := hmac.New(sha256.New, []byte(i.ClientSecret))
		_, _ = mac.Write([]byte(text)) // a hash takes all
		return text + "." + encode(mac.Sum(nil)), nil
	case "key":
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return "", err
		}
	}
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + encode(signature), nil
}

// Authority is the issuer's certificate in PEM, which whoever asks it has to trust.
func (i *Issuer) Authority() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.server.Certificate().Raw})
}
