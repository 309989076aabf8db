using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.Server.Tests;

public sealed class TlsOptionTests : IDisposable
{
    private readonly EdgeFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Every_option_of_TLS_and_WebSocket_is_read()
    {
        ServerOptions options = Read("--mqtt-tls *:8883 --mqtt-ws *:9001 --mqtt-wss *:9002 --http-tls *:8443 --tls-certificate @CERT "
            + "--tls-key @KEY --tls-client required --tls-client-ca @CA");

        Assert.Equal((8883, 9001, 9002, 8443),
            (options.MqttTls!.Value.Port, options.MqttWs!.Value.Port, options.MqttWss!.Value.Port, options.HttpTls!.Value.Port));
        Assert.Equal(_files.Asking(ClientCertificates.Required) with { Names = options.Tls.Names }, options.Tls);
    }

    [Fact]
    public void Without_them_there_is_neither()
    {
        ServerOptions options = Read(string.Empty);

        Assert.Null(options.MqttTls ?? options.MqttWs ?? options.MqttWss ?? options.HttpTls);
        Assert.Equal(new ServerOptions().Tls, options.Tls);
    }

    [Fact]
    public void The_key_may_stand_in_the_file_of_the_certificate()
    {
        IssuedCertificate issued = _files.Authority.Issue("CN=one-file");
        _files.Write("both.pem", issued.Key + "\n" + issued.Certificate);

        Assert.Null(Read("--mqtt-tls *:8883 --tls-certificate @DIR/both.pem").Tls.KeyFile);
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "--mqtt-tls *:1 --http-tls *:2", "--mqtt-tls, --http-tls: needs --tls-certificate" },
        { "--mqtt-ws *:1 --tls-certificate @CERT --tls-key @KEY",
            "--tls-certificate: no endpoint uses TLS; name --mqtt-tls, --mqtt-wss or --http-tls" },
        { "--tls-client required --tls-client-ca @CA", "--tls-client-ca: no endpoint uses TLS; name --mqtt-tls, --mqtt-wss or --http-tls" },
        { Tls + "--tls-client some --tls-key @KEY", "--tls-client 'some': must be none, optional or required" },
        { Tls + "--tls-client required --tls-key @KEY", "--tls-client: needs --tls-client-ca, to know which certificates are good" },
        { Tls + "--tls-client-ca @CA --tls-key @KEY",
            "--tls-client-ca: no client is asked for a certificate; give --tls-client optional or required" },
        { Tls + "--tls-key @KEY --mqtt-ws *:1", "--mqtt-tls and --mqtt-ws both want port 1" },
        { "--mqtt-tls *:1 --tls-certificate @DIR/none.pem", "--tls-certificate '@DIR/none.pem': there is no such file" },
        { "--mqtt-tls *:1 --tls-certificate @DIR", "--tls-certificate '@DIR': may not be read by this user, or is a directory" },
        { "--mqtt-tls *:1 --tls-certificate @KEY", "--tls-certificate '@KEY': holds no certificate in PEM" },
        { "--mqtt-tls *:1 --tls-certificate @DIR/torn.pem --tls-key @KEY",
            "--tls-certificate '@DIR/torn.pem': a certificate in it is damaged" },
        { Tls, "--tls-certificate '@CERT': holds no private key; name its file with --tls-key" },
        { Tls + "--tls-key @DIR/none.key", "--tls-key '@DIR/none.key': there is no such file" },
        { Tls + "--tls-key @CERT", "--tls-key '@CERT': holds no private key in PEM" },
        { Tls + "--tls-key @DIR/other.key", "--tls-key '@DIR/other.key': the private key does not fit the certificate in '@CERT'" },
        { Tls + "--tls-key @DIR/rsa.key", "--tls-key '@DIR/rsa.key': the private key does not fit the certificate in '@CERT'" },
        { Tls + "--tls-key @DIR/locked.key",
            "--tls-key '@DIR/locked.key': the private key is encrypted; the server wants it plain, in a file that only it can read" },
        { "--mqtt-tls *:1 --tls-certificate @DIR/old.pem --tls-key @DIR/old.key",
            "--tls-certificate '@DIR/old.pem': expired on 2026-01-02T03:04:05Z" },
        { "--mqtt-tls *:1 --tls-certificate @DIR/early.pem --tls-key @DIR/early.key",
            "--tls-certificate '@DIR/early.pem': not valid before 2026-03-02T03:04:05Z" },
        { Tls + "--tls-key @KEY --tls-client optional --tls-client-ca @KEY", "--tls-client-ca '@KEY': holds no certificate in PEM" },
    };

    private const string Tls = "--mqtt-tls *:1 --tls-certificate @CERT ";

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_wrong_option_is_told_in_one_line(string arguments, string expected)
    {
        ManyFiles();

        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => Read(arguments));

        Assert.Equal(Names(expected), fault.Message);
    }

    [Fact]
    public void All_faults_are_told_together()
    {
        ManyFiles();

        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => Read(
            "--mqtt-tls x --mqtt-wss *:1 --tls-certificate @DIR/old.pem --tls-key @KEY --tls-client required --cluster SJ"));

        Assert.Equal(5, fault.Message.Split('\n').Length);
        Assert.Contains("expired", fault.Message, StringComparison.Ordinal);
        Assert.Contains("does not fit", fault.Message, StringComparison.Ordinal);
    }

    private static readonly DateTimeOffset Now = new(2026, 2, 1, 3, 4, 5, TimeSpan.Zero);

    private void ManyFiles()
    {
        using TestAuthority authority = new("fixed", new Frozen());
        IssuedCertificate server = authority.Issue("CN=now");
        _files.Write(server);
        _files.Write("other.key", authority.Issue("CN=other").Key);
        _files.Write("rsa.key", authority.Issue("CN=other", rsa: true).Key);
        _files.Write("locked.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n");
        _files.Write("torn.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
        IssuedCertificate old = authority.Issue("CN=old", days: -30);
        _files.Write("old.pem", old.Certificate);
        _files.Write("old.key", old.Key);
        IssuedCertificate early = authority.Issue("CN=early", from: 29);
        _files.Write("early.pem", early.Certificate);
        _files.Write("early.key", early.Key);
    }

    private ServerOptions Read(string arguments)
    {
        string[] words = [.. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Names)];
        TimeProvider time = File.Exists(_files.Path("early.pem")) ? new Frozen() : TimeProvider.System;
        return OptionReader.Read(words, [], _files.Path(OptionReader.FileName), time);
    }

    private string Names(string text) => text
        .Replace("@CERT", _files.Certificate, StringComparison.Ordinal)
        .Replace("@KEY", _files.Key, StringComparison.Ordinal)
        .Replace("@CA", _files.ClientCa, StringComparison.Ordinal)
        .Replace("@DIR", _files.Path(string.Empty).TrimEnd('/'), StringComparison.Ordinal);

    private sealed class Frozen : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Now;
    }
}
