using System.Net.Security;
using System.Reflection;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Streams.Mqtt.Tests;

public class TlsTargetTests
{
    [Fact]
    public void A_copy_names_its_host_and_the_shared_options_stay_as_they_were()
    {
        SslClientAuthenticationOptions shared = new();

        Assert.Equal("a", TlsTarget.For(shared, "a").TargetHost);
        Assert.Equal("b", TlsTarget.For(shared, "b").TargetHost);
        Assert.Null(shared.TargetHost);
    }

    [Fact]
    public void A_host_that_was_set_counts_for_all()
    {
        SslClientAuthenticationOptions shared = new() { TargetHost = "fleet" };

        Assert.Same(shared, TlsTarget.For(shared, "a"));
    }

    [Fact]
    public void A_copy_has_everything_else()
    {
        SslClientAuthenticationOptions shared = new()
        {
            AllowRenegotiation = false,
            AllowTlsResume = false,
            ApplicationProtocols = [new SslApplicationProtocol("mqtt")],
            CertificateChainPolicy = new X509ChainPolicy(),
            CertificateRevocationCheckMode = X509RevocationMode.Offline,
            ClientCertificates = [],
            EnabledSslProtocols = SslProtocols.Tls13,
            LocalCertificateSelectionCallback = static (_, _, _, _, _) => null!,
            RemoteCertificateValidationCallback = static (_, _, _, errors) => errors == SslPolicyErrors.None,
        };
        if (OperatingSystem.IsLinux() || OperatingSystem.IsWindows())
        {
            shared.AllowRsaPkcs1Padding = false;
            shared.AllowRsaPssPadding = false;
        }

        SslClientAuthenticationOptions copy = TlsTarget.For(shared, "a");

        // By reflection, so that a property that a later runtime adds is not forgotten.
        foreach (PropertyInfo property in typeof(SslClientAuthenticationOptions).GetProperties().Where(static p => p.Name != "TargetHost"))
        {
            Assert.True(Equals(property.GetValue(shared), property.GetValue(copy)), property.Name);
        }
    }
}
