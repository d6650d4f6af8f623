import java.io.BufferedReader;
import java.io.InputStreamReader;
import software.amazon.awssdk.core.util.VersionInfo;
import software.amazon.awssdk.services.ecs.EcsClient;

/** One request for each line of input, with one client of the AWS SDK for Java 2. */
public class Client {
    public static void main(String[] args) throws Exception {
        EcsClient client = EcsClient.create();
        System.out.println("aws-sdk-java-v2 " + VersionInfo.SDK_VERSION);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        while (in.readLine() != null) {
            try {
                client.listClusters();
                System.out.println("ok");
            } catch (RuntimeException e) {
                System.out.println("error " + e.toString().replace('\n', ' '));
            }
        }
    }
}
