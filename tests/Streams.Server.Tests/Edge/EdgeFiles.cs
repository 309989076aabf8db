using Streams.Gateways;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>An authority and the files of a server's certificate, as an operator has them.</summary>
internal sealed class EdgeFiles : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public EdgeFiles(string subject = "CN=first")
    {
        Authority = new TestAuthority("fleet authority", TimeProvider.System);
        Stranger = new TestAuthority("strange authority", TimeProvider.System);
        Write(Authority.Issue(subject));
        File.WriteAllText(ClientCa, Authority.Pem);
    }

    public TestAuthority Authority { get; }

    public TestAuthority Stranger { get; }

    public string Certificate => Path("server.pem");

    public string Key => Path("server.key");

    public string ClientCa => Path("clients.pem");

    public TlsOptions Options => new() { CertificateFile = Certificate, KeyFile = Key };

    public TlsOptions Asking(ClientCertificates client) => Options with { Client = client, ClientCaFile = ClientCa };

    public string Path(string name) => _directory.Combine(name);

    public string Write(string name, string text)
    {
        File.WriteAllText(Path(name), text);
        return Path(name);
    }

    public void Write(IssuedCertificate issued)
    {
        File.WriteAllText(Certificate, issued.Certificate);
        File.WriteAllText(Key, issued.Key);
    }

    public void Dispose()
    {
        Authority.Dispose();
        Stranger.Dispose();
        _directory.Dispose();
    }
}
